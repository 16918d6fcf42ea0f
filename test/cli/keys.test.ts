import { chmodSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { keysCommand } from '../../gateway/cli/commands/keys.js'
import { EXIT } from '../../gateway/cli/exit-codes.js'
import { signJws, verifyJws } from '../../gateway/security/jws.js'
import { signingKeyFromPem } from '../../gateway/security/signature.js'
import { invoke } from '../support/command.js'

t.test('keys new writes a secret that only its user reads; a shop pins what it prints', async t => {
  const folder = t.testdir()
  const file = join(folder, 'hq.pem')
  const made = await invoke(keysCommand, { args: ['new', file] })
  t.equal(made.code, EXIT.ok)
  t.equal(statSync(file).mode & 0o777, 0o600)
  const shown = await invoke(keysCommand, { args: ['show', file] })
  t.match(shown, { code: EXIT.ok, stdout: made.stdout })
  const [, publicKey = ''] = /^public key {3}([0-9a-f]{64})$/m.exec(made.stdout) ?? []
  const jws = signJws('x', signingKeyFromPem(readFileSync(file, 'utf8')))
  t.ok(verifyJws(jws, [publicKey]).ok)
  t.match(made.stdout, `hq: { keys: ['${publicKey}'] }`)
  const again = await invoke(keysCommand, { args: ['new', file] })
  t.match(again, { code: EXIT.usage, stdout: '', stderr: /is there already: it is kept/ })
  chmodSync(file, 0o640)
  const open = await invoke(keysCommand, { args: ['show', file] })
  t.match(open, { code: EXIT.usage, stdout: '', stderr: /mode 640.*chmod 600/ })
  const none = await invoke(keysCommand, { args: ['show', join(folder, 'none.pem')] })
  t.match(none, { code: EXIT.usage, stdout: '', stderr: /write one with keys new/ })
})
