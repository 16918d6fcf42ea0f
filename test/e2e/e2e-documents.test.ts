import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { stringify } from 'yaml'
import { hqCommand } from '../../gateway/cli/commands/hq.js'
import { loadRegistry } from '../../gateway/profile/registry.js'
import { openSimulatedTerminal } from '../../gateway/simulator/simulated-terminal.js'
import { CHEAP_HASH, TILL } from '../broker/selling.js'
import { invoke } from '../support/command.js'
import { freePort, startMosquitto } from '../support/mosquitto.js'
import { connectTo } from '../support/mqtt.js'
import { ended, MAIN, startProgram } from '../support/program.js'
import { openPtyPair } from '../support/pty-pair.js'
import { freshDirectory } from '../support/shop.js'
import { STORE_KEY } from '../support/signed.js'
import { until } from '../support/until.js'

t.setTimeout(300_000)

const PRICES = 'plu;price\n1001;250\n1002;99\n'
const MESSAGES = 'WELCOME;to the shop\nBREAD 2.50;today only\n'

/** A till and a display, in a gateway of its own. */
async function openShop(t: Test) {
  const folder = freshDirectory(t)
  const broker = await startMosquitto()
  t.teardown(() => broker.stop())
  const display = openPtyPair(t, join(folder, 'display'))
  const registry = await loadRegistry({ extraFolders: [] })
  if (!registry.ok) throw new Error(registry.error.join('\n'))
  const link = join(folder, 'till')
  const kind = { type: 'json-till' } as const
  const pace = { perMinute: 600, seed: 1, timeZone: 'UTC' }
  const till = openSimulatedTerminal({ id: 'till-1', kind, link, ...pace }, registry.value)
  const shopPort = await freePort()
  const config = join(folder, 'shop.yaml')
  const terminal = (id: string, profile: string, path: string) => ({
    id,
    profile,
    firmware: '1.0',
    line: { serial: { path } },
  })
  const read = ['tillbridge/1/store-001/down/#']
  const clients = [{ name: 'shelf', passwordHash: CHEAP_HASH, read }]
  const file = {
    store: 'store-001',
    dataDir: join(folder, 'data'),
    hq: { url: `mqtt://127.0.0.1:${broker.port}`, keys: [STORE_KEY.publicKey], mode: 'direct' },
    broker: { listen: `127.0.0.1:${shopPort}`, clients },
    terminals: [
      terminal('till-1', 'generic/cloud-events-till', link),
      terminal('display-1', 'generic/customer-display', display.port),
    ],
  }
  writeFileSync(config, stringify(file))
  const start = () => startProgram(t, [process.execPath, MAIN, 'run', '--config', config])
  return { folder, hqPort: broker.port, shopPort, display, till, start }
}

t.test('prices and messages reach a till, a display, and who reads in the shop', async t => {
  const shop = await openShop(t)
  const stopping = new AbortController()
  const selling = shop.till.run(stopping.signal)
  const heard: string[] = []
  const hq = connectTo({ port: shop.hqPort })
  hq.subscribe('tillbridge/1/store-001/events/#', ({ topic, payload }) => {
    heard.push(`${topic} ${Buffer.from(payload).toString()}`)
  })
  hq.start()
  t.teardown(() => hq.stop(500))
  const gateway = shop.start()
  const end = ended(gateway)
  const key = join(shop.folder, 'hq.key')
  writeFileSync(key, STORE_KEY.toPem(), { mode: 0o600 })
  const publish = async (name: string, text: string) => {
    const path = join(shop.folder, name)
    writeFileSync(path, text)
    const at = ['--broker', `mqtt://127.0.0.1:${shop.hqPort}`, '--key', key, '--kind', name]
    const args = ['document', 'publish', name, path, ...at, '--store', 'store-001']
    t.match(await invoke(hqCommand, { args }), { code: 0 })
  }
  await publish('prices', PRICES)
  await publish('messages', MESSAGES)
  const has = (...parts: readonly string[]) =>
    heard.some(one => parts.every(part => one.includes(part)))
  await until('the till was told', () => has('/till-1/document.applied', '"prices"', '"lines":2'))
  await until('the display was told', () =>
    has('/display-1/document.applied', '"messages"', '"lines":2'),
  )
  const shown = Buffer.from(shop.display.received()).toString()
  t.ok(shown.endsWith('\fBREAD 2.50\r\ntoday only'), JSON.stringify(shown))
  await until('sold at the new price', () => has('sale.completed', '"totalMinor":250'))
  await until('and what is new', () => has('sale.completed', '"plu":"1002"', '"totalMinor":99'))

  const offered = new Map<string, string>()
  const shelf = connectTo({
    port: shop.shopPort,
    username: 'shelf',
    password: TILL.password,
    protocol: '3.1.1',
  })
  shelf.subscribe('tillbridge/1/store-001/down/document/#', ({ topic, payload }) => {
    offered.set(topic.split('/').slice(5).join('/'), Buffer.from(payload).toString())
  })
  shelf.start()
  t.teardown(() => shelf.stop(500))
  await until('the shelf has it', () =>
    [...offered].some(([topic, text]) => /^prices\/\d+\/0$/.test(topic) && text === PRICES),
  )
  await until('and who signed it', () => offered.has('prices'))
  t.match(offered.get('prices'), /^ey.*\..*\./, 'signed by HQ: whoever reads it may verify it')
  stopping.abort()
  await selling
  gateway.kill('SIGTERM')
  t.match(await end, { code: 0 })
})
