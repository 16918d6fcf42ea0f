import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { hqCommand } from '../../gateway/cli/commands/hq.js'
import { EXIT } from '../../gateway/cli/exit-codes.js'
import { invoke } from '../support/command.js'
import { ended, MAIN, startProgram } from '../support/program.js'
import { STORE } from '../support/sample.js'
import { applicant, makeStoresAuthority, openRegister } from '../support/stores-authority.js'

const DEVICE = '3f9a-77c1-02be-9d10-aa34'

t.test('names that HQ uses itself are no stores', async t => {
  const { folder } = makeStoresAuthority(t)
  const stores = (...args: readonly string[]) => {
    const command = ['hq', 'stores', ...args, '--authority', folder]
    return ended(startProgram(t, [process.execPath, MAIN, ...command]))
  }
  const refused = { code: EXIT.usage, stdout: '', stderr: /listener, which HQ uses itself/ }
  for (const name of ['hq', 'listener']) t.match(await stores('code', name), refused, name)
  t.match(await stores('approve', DEVICE, '--store', 'enrol'), refused)
  t.match(await stores('code', STORE), { code: EXIT.ok, stdout: /^[2-9A-Z-]{14} {3}store-001/ })
})

t.test('who retires a store again writes the list of revoked certificates again', async t => {
  const { folder } = makeStoresAuthority(t)
  const register = await openRegister(folder)
  await register.approve(applicant().request, STORE)
  const retire = () =>
    invoke(hqCommand, { args: ['stores', 'retire', STORE, '--authority', folder] })
  t.match(await retire(), { code: EXIT.ok, stdout: /store-001 is retired/ })
  writeFileSync(register.revocations, 'torn')
  t.match(await retire(), { code: EXIT.findings, stderr: /store-001 has no gateway/ })
  t.match(readFileSync(register.revocations, 'utf8'), /BEGIN X509 CRL/)
})
