import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { configCommand } from '../../gateway/cli/commands/config.js'
import { EXIT } from '../../gateway/cli/exit-codes.js'
import { resolveDialects } from '../../gateway/composition/dialects.js'
import { loadRegistry } from '../../gateway/profile/registry.js'
import { invoke } from '../support/command.js'
import { shopOf, terminalOn } from '../support/machine.js'
import { ended, MAIN, startProgram } from '../support/program.js'

t.test('a red profile is refused with its reason, unless it is forced by name', async t => {
  const folder = t.testdir({ profiles: {} })
  const own = join(folder, 'profiles/tillbridge')
  await cp('firmware-profiles/tillbridge', own, { recursive: true })
  const file = join(own, 'ecr-lrc.cases.yaml')
  const cases = await readFile(file, 'utf8')
  await writeFile(file, cases.replace(/totalMinor: \d+/, 'totalMinor: 1'))
  const shop = (more: string): string =>
    [
      'store: store-001',
      'hq: { url: mqtt://127.0.0.1:1 }',
      `dataDir: ${join(folder, 'data')}`,
      'broker: off',
      `profiles: [ ${join(folder, 'profiles')} ]`,
      `terminals: [ { id: r1, profile: tillbridge/reference-till, firmware: '1.0',`,
      '  line: { listen: { host: 127.0.0.1, port: 9 } } } ]',
      more,
    ].join('\n')
  const env = { TILLBRIDGE_CONFIG_YAML: shop('') }
  const check = await invoke(configCommand, { args: ['check'], env })
  t.match(check, { code: EXIT.usage, stderr: /^r1: .*is red: .*ecr-lrc\.cases\.yaml:\d+: / })
  const run = await ended(startProgram(t, [process.execPath, MAIN, 'run'], env))
  t.equal(run.code, EXIT.usage)
  t.match(run.stdout, /"code":"TB_PROFILE_UNPROVEN".*profilesUnproven/)
  const forced = { TILLBRIDGE_CONFIG_YAML: shop('profilesUnproven: [ tillbridge/reference-till ]') }
  t.match(await invoke(configCommand, { args: ['check'], env: forced }), { code: EXIT.ok })
})

t.test('only the profiles in use are looked at', async t => {
  const folder = t.testdir({ profiles: {} })
  const own = join(folder, 'profiles/tillbridge')
  await cp('firmware-profiles/tillbridge', own, { recursive: true })
  const file = join(own, 'ecr-tlv.cases.yaml')
  await writeFile(file, (await readFile(file, 'utf8')).replace(/totalMinor: \d+/, 'totalMinor: 1'))
  const registry = await loadRegistry({ extraFolders: [join(folder, 'profiles')] })
  if (!registry.ok) throw new RangeError(registry.error.join('\n'))
  t.equal(registry.value.proof('tillbridge/reference-till').ok, true)
  t.match(registry.value.proof('tillbridge/reference-till-b'), {
    ok: false,
    error: { code: 'TB_PROFILE_UNPROVEN', message: /ecr-tlv/ },
  })
  t.equal(
    resolveDialects(
      shopOf(
        terminalOn('/dev/ttyUSB0')
          .replace('a/b', 'tillbridge/reference-till')
          .replace("'1'", "'1.0'"),
      ),
      registry.value,
    ).length,
    1,
  )
})
