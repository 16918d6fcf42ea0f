import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ownDocuments } from '../../gateway/composition/own-documents.js'
import { ProfileReload } from '../../gateway/composition/profile-reload.js'
import { profileSource } from '../../gateway/composition/profile-source.js'
import { createShop } from '../../gateway/composition/shop.js'
import { loadConfig } from '../../gateway/config/load.js'
import { silentLogger } from '../../gateway/core/log.js'
import { signingKeyOf } from '../../gateway/security/signature.js'
import { TerminalSupervisor } from '../../gateway/terminal/supervisor.js'
import { quietAlarms } from '../support/quiet-alarms.js'
import { STORE } from '../support/sample.js'

const KEY = signingKeyOf(Buffer.alloc(32, 1)).publicKey
const OTHER = signingKeyOf(Buffer.alloc(32, 2)).publicKey

function yaml({ store = STORE as string, key = KEY, more = '' } = {}): string {
  return `store: ${store}\ndataDir: data\nhq: { url: mqtt://127.0.0.1:1, keys: ['${key}'] }\n${more}`
}

async function shopWith(t: Test, text = yaml()) {
  const file = join(t.testdir({ data: {} }), 'shop.yaml')
  writeFileSync(file, text)
  const loaded = loadConfig({ file, env: {} })
  if (!loaded.ok) throw new Error(loaded.error.join('\n'))
  const config = loaded.value
  const shop = createShop({ config, logger: silentLogger, configPlace: { file, env: {} } })
  const alarms = quietAlarms()
  const source = profileSource(config)
  const reload = new ProfileReload({
    shop,
    source,
    spoken: [],
    terminals: new TerminalSupervisor({ sessions: [], buses: [] }),
    alarms,
    requests: () => () => undefined,
  })
  const restarts: string[] = []
  const own = ownDocuments(shop, { reload, restart: () => restarts.push('now') })
  const take = async (kind: 'configuration' | 'profiles', text: string) =>
    own[kind]?.(Buffer.from(text))
  return { file, config, source, alarms, take, restarts }
}

t.test('a configuration takes the place of the file, for the next start', async t => {
  const { file, take } = await shopWith(t)
  const next = yaml({ more: 'timeZone: Europe/Berlin\n' })
  t.match(await take('configuration', next), { ok: true })
  t.equal(readFileSync(file, 'utf8'), next)
  t.equal(readFileSync(`${file}.before`, 'utf8'), yaml())
  t.notOk(existsSync(`${file}.arrived`))
})

t.test('a shop that sells nothing takes its first terminals at once', async t => {
  const { take, restarts } = await shopWith(t)
  await take('configuration', yaml({ more: 'timeZone: Europe/Berlin\n' }))
  t.same(restarts, [], 'nothing to start for')
  const line = '{ serial: { path: /dev/ttyUSB0, baudRate: 9600 } }'
  const till = `{ id: till-1, profile: tillbridge/plain-till, firmware: '1.0', line: ${line} }`
  t.match(await take('configuration', yaml({ more: `terminals: [${till}]\n` })), { ok: true })
  t.same(restarts, ['now'])
})

t.test('a bad configuration is refused with its line, and one of another shop', async t => {
  const { file, take } = await shopWith(t)
  const wrong: readonly (readonly [string, RegExp])[] = [
    [yaml({ more: 'timeZoen: UTC\n' }), /shop\.yaml\.arrived:4:1/],
    [yaml({ store: 'store-002' }), /store: expected store-001/],
    [yaml({ key: OTHER }), /hq\.keys/],
    [yaml().replace('dataDir: data', 'dataDir: other'), /dataDir/],
  ]
  for (const [text, error] of wrong)
    t.match(await take('configuration', text), { ok: false, error })
  t.equal(readFileSync(file, 'utf8'), yaml())
  t.notOk(existsSync(`${file}.before`))
})

t.test('what takes two persons is not taken away by one', async t => {
  const two = `, twoPerson: { keys: ['${OTHER}'], verbs: [restart] } }`
  const guarded = yaml().replace("'] }", `']${two}`)
  const { file, take } = await shopWith(t, guarded)
  t.match(await take('configuration', yaml()), { ok: false, error: /twoPerson/ })
  t.match(await take('configuration', guarded.replace('restart', 'ping')), { ok: false })
  t.match(await take('configuration', `${guarded}timeZone: Europe/Berlin\n`), { ok: true })
  t.match(readFileSync(file, 'utf8'), /twoPerson/)
})

t.test('profiles are spoken from now on; a bad set is refused with its line', async t => {
  const { take, source, alarms, config } = await shopWith(t)
  const read = (name: string) => readFileSync(`firmware-profiles/tillbridge/${name}`, 'utf8')
  const names = ['plain-till.profile.yaml', 'ecr-line.dialect.yaml', 'ecr-line.cases.yaml']
  const set = Object.fromEntries(
    names.map(name => [`acme/${name}`, read(name).replace('vendor: tillbridge', 'vendor: acme')]),
  )
  t.match(await take('profiles', JSON.stringify(set)), { ok: true })
  const files = await source.load()
  t.ok(files.ok && files.value.profiles.has('acme/plain-till'), 'also at the next start')
  const broken = { ...set, 'acme/ecr-line.dialect.yaml': 'format: 2\nvendor: acme\n' }
  t.match(await take('profiles', JSON.stringify(broken)), {
    ok: false,
    error: /^acme\/ecr-line\.dialect\.yaml:1:9/,
  })
  t.match(await take('profiles', JSON.stringify({ '../up.dialect.yaml': '' })), { ok: false })
  t.ok((await source.load()).ok, 'the ones before stay')
  t.notOk(existsSync(join(config.dataDir, 'profiles.arrived')))
  t.same(alarms.standing, [])
})
