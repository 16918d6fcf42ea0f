import t from 'tap'
import { unknownVerbs } from '../../gateway/composition/downlink.js'
import { loadConfig } from '../../gateway/config/load.js'
import { loadRegistry } from '../../gateway/profile/registry.js'

t.test('what takes two persons, and is nothing that can be commanded here, is named', async t => {
  const registry = await loadRegistry({ extraFolders: [] })
  const dialect = registry.ok ? registry.value.dialect('zvt/ecr-tcp') : undefined
  if (dialect === undefined) throw new Error('no zvt/ecr-tcp')
  const verbs = '[restart, write_raw, write-raw, refund, authorize]'
  const loaded = loadConfig({
    file: undefined,
    env: {
      TILLBRIDGE_CONFIG_YAML:
        'store: store-001\n' +
        `hq: { url: mqtt://localhost, twoPerson: { keys: ['${'0b'.repeat(32)}'], verbs: ${verbs} } }`,
    },
  })
  if (!loaded.ok) throw new Error(loaded.error.join())
  const shop = { own: [{ name: 'restart' }], spoken: [{ dialect }] }
  t.strictSame(unknownVerbs(loaded.value, shop), ['write_raw', 'authorize'])
})
