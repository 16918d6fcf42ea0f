import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../gateway/config/load.js'
import { configWarnings } from '../../gateway/config/warnings.js'
import { loadRegistry } from '../../gateway/profile/registry.js'
import { verifyPassword } from '../../gateway/security/password.js'

const EXAMPLES = readdirSync('examples').filter(name => name.endsWith('.yaml'))

t.test('every example loads, without a warning, and its profiles exist', async t => {
  const registry = await loadRegistry({ extraFolders: [] })
  if (!registry.ok) throw new Error(registry.error.join('\n'))
  const secret = join(t.testdir({ secret: 'x' }), 'secret')
  t.ok(EXAMPLES.length >= 5)
  for (const name of EXAMPLES) {
    const env = { TILLBRIDGE_HQ_PASSWORD_FILE: secret }
    const loaded = loadConfig({ file: join('examples', name), env })
    if (!loaded.ok) throw new Error(loaded.error.join('\n'))
    t.strictSame(configWarnings(loaded.value), [], name)
    t.ok(loaded.value.terminals.length > 0)
    for (const terminal of loaded.value.terminals)
      t.ok(registry.value.speechOf(terminal).ok, `${name}: ${terminal.profile}`)
  }
})

t.test('the password that an example names is the one it holds', async t => {
  const loaded = loadConfig({ file: 'examples/hq-tls.yaml', env: {} })
  if (!loaded.ok || loaded.value.broker === 'off') throw new Error('no broker in it')
  for (const { passwordHash } of loaded.value.broker.clients)
    t.ok(await verifyPassword('change me', passwordHash ?? ''))
})
