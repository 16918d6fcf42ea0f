import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemRandom } from '../../gateway/core/random.js'
import type { MqttJsConnection } from '../../gateway/mqtt/mqtt-js-connection.js'
import { signJws } from '../../gateway/security/jws.js'
import { signingKeyOf } from '../../gateway/security/signature.js'
import { LedgerFeed } from '../../gateway/simulator/ledger-feed.js'
import { FleetGateway, FleetHq } from '../support/fleet.js'
import { connectTo } from '../support/mqtt.js'
import { MAIN, startProgram } from '../support/program.js'
import { until } from '../support/until.js'

const SALES = 5
const STORE = 'store-001'

t.setTimeout(900_000)

t.test('an empty card and variables: approved and configured by HQ, it sells', async t => {
  const hq = await FleetHq.start(t)
  const gateway = new FleetGateway(t, { hq, name: 'pi', store: STORE })
  gateway.process.start()
  const device = await waiting(gateway, hq)
  gateway.process.kill('SIGKILL')
  await until('it waits again', () => gateway.fingerprints.length > 1)
  t.equal(new Set(gateway.fingerprints).size, 1, 'killed while it waits: the same gateway')
  const operator = await operatorAt(t, hq)
  await lieTo(gateway, { hq, operator, device })
  t.notMatch(gateway.log, 'HQ approved')

  const approved = await hq.sign('stores', 'approve', device)
  t.match(approved, { code: 0, stdout: `${STORE} is gateway ${device} from now on` })
  await until('it is a store', () => /"selling"/.test(gateway.log))
  await sellSome(t, hq)
  const shown = await hq.run('stores', 'show', STORE)
  t.match(shown.stdout, new RegExp(`gateway ${device} .* speaks as it`))
  t.match(shown.stdout, /all that it is known to have had is here/)
  t.same(await leftOver(operator), [], 'question and answer were taken away')

  // The Pi breaks, or so it is thought: another one takes its place.
  const heir = new FleetGateway(t, { hq, name: 'pi-2', store: STORE })
  heir.process.start()
  const second = await waiting(heir, hq)
  const asked = await hq.sign('stores', 'approve', second)
  t.match(asked, { code: 1, stderr: /has a gateway already: write --replace/ })
  t.match(asked.stdout, new RegExp(`gateway ${device} .* speaks as it`), 'what it would replace')
  t.match(asked.stdout, /till numbers of the newest \d+ records/)
  const replaced = await hq.sign('stores', 'approve', second, '--replace')
  t.match(replaced, { code: 0, stdout: /revoked certificates: / })
  hq.broker.reload()
  await until('it is the store', () => /"selling"/.test(heir.log))
  const refused = /"room":"mqtt","code":"TB_MQTT_[^}]*not connected/
  await until('the old one is shut out', () => refused.test(gateway.log))
  const both = await hq.run('stores', 'show', STORE)
  t.match(both.stdout, new RegExp(`gateway ${device} .* replaced`))
  t.match(both.stdout, new RegExp(`gateway ${second} .* speaks as it`))
  t.equal(gateway.process.state.type, 'running', 'the old one sells on')
})

/** Its fingerprint, as its log and HQ's list show it. */
async function waiting(gateway: FleetGateway, hq: FleetHq): Promise<string> {
  await until('it waits', () => gateway.fingerprints.length > 0)
  const [device = ''] = gateway.fingerprints
  const line = `${device}  asks to be ${STORE} (by its variable)`
  const isListed = async (): Promise<boolean> =>
    (await hq.run('stores', 'list')).stdout.includes(line)
  await until('HQ lists it', isListed, 180_000)
  return device
}

async function operatorAt(t: Test, { broker }: FleetHq): Promise<MqttJsConnection> {
  const operator = connectTo({
    ...{ host: 'localhost', port: broker.port, tls: { ca: broker.ca } },
    ...{ username: 'hq', password: broker.password('hq') },
    ...{ connectMs: 60_000, pubackMs: 60_000 },
  })
  t.teardown(() => operator.stop(1_000))
  operator.start()
  await until('the operator is there', () => operator.state.type === 'online')
  return operator
}

/** Whoever can write at HQ's broker, and has not HQ's key, or not the whole of an answer. */
async function lieTo(
  gateway: FleetGateway,
  by: { readonly hq: FleetHq; readonly operator: MqttJsConnection; readonly device: string },
): Promise<void> {
  const { hq, operator, device } = by
  const lie = JSON.stringify({ v: 1, device, decision: 'approved', store: STORE })
  const stranger = signingKeyOf(systemRandom.bytes(32))
  for (const payload of [lie, signJws(lie, stranger), signJws(lie, hq.key)])
    await operator.publish({ topic: `tillbridge/1/enrol/${device}/down`, payload, retain: true })
  const disbelieved = (): number => gateway.log.split('an answer was not believed').length - 1
  await until('it heard all three', () => disbelieved() >= 3)
}

/** A till for the shop by HQ's document, and its sales in HQ's ledger. */
async function sellSome(t: Test, hq: FleetHq): Promise<void> {
  const { folder } = hq.broker
  const line = join(folder, 'till')
  const config = join(folder, 'shop.yaml')
  const profile = "profile: tillbridge/reference-till, firmware: '1.0'"
  const till = `{ id: till-1, ${profile}, line: { serial: { path: ${line} } } }`
  const others = `store: ${STORE}\nhq: { url: 'mqtts://ignored:1' }\nbroker: off\n`
  writeFileSync(config, `${others}terminals: [${till}]\n`)
  const what = ['shop', config, '--kind', 'configuration', '--store', STORE]
  const published = await hq.sign('document', 'publish', ...what)
  t.equal(published.code, 0, published.stderr)
  startProgram(t, [
    ...[process.execPath, MAIN, 'simulate', 'register', '--id', 'till-1', '--link', line],
    ...['--model', 'lrc', '--log', join(folder, 'till.ndjson'), '--per-minute', '600'],
    ...['--sales', String(SALES), '--seed', '1'],
  ])
  const feed = new LedgerFeed({ socketPath: join(hq.ledger, 'query.sock') })
  const rows: string[] = []
  const isSold = async (): Promise<boolean> => {
    rows.push(...(await feed.read()))
    return rows.filter(row => row.includes('"type":"sale.completed"')).length >= SALES
  }
  await until('its sales stand in the ledger', isSold, 300_000)
}

/** Enrolment topics that the broker keeps something on. */
async function leftOver(operator: MqttJsConnection): Promise<readonly string[]> {
  const kept = new Set<string>()
  let isOver = false
  operator.subscribe('tillbridge/1/enrol/#', ({ topic, payload }) => {
    if (payload.length > 0) kept.add(topic)
  })
  operator.subscribe('tillbridge/1/hq/ledger', () => {
    isOver = true
  })
  await until('the broker has said what it keeps', () => isOver)
  return [...kept]
}
