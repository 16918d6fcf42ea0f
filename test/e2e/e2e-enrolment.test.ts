import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { systemRandom } from '../../gateway/core/random.js'
import { signJws } from '../../gateway/security/jws.js'
import { signingKeyOf } from '../../gateway/security/signature.js'
import { LedgerFeed } from '../../gateway/simulator/ledger-feed.js'
import { FleetGateway, FleetHq } from '../support/fleet.js'
import { connectTo } from '../support/mqtt.js'
import { MAIN, startProgram } from '../support/program.js'
import { until } from '../support/until.js'

const SALES = 5
const STORE = 'store-001'

t.setTimeout(600_000)

t.test('an empty card and variables: approved by HQ, configured by HQ, it sells', async t => {
  const hq = await FleetHq.start(t)
  const gateway = new FleetGateway(t, { hq, name: 'pi', store: STORE })
  gateway.process.start()
  await until('it waits', () => gateway.fingerprints.length > 0)
  const listed = async (): Promise<string> => (await hq.run('stores', 'list')).stdout
  const [device = ''] = gateway.fingerprints
  const asks = `${device}  asks to be ${STORE} (by its variable)`
  await until('HQ sees it', async () => (await listed()).includes(asks))

  gateway.process.kill('SIGKILL')
  await until('it waits again', () => gateway.fingerprints.length > 1)
  t.equal(new Set(gateway.fingerprints).size, 1, 'killed while it waits: the same gateway')

  const { broker } = hq
  const tls = { ca: broker.ca, serverName: 'localhost' }
  const operator = connectTo({
    ...{ port: broker.port, tls, username: 'hq', password: broker.password('hq') },
    ...{ connectMs: 30_000, pubackMs: 30_000 },
  })
  t.teardown(() => operator.stop(1_000))
  operator.start()
  await until('the operator is there', () => operator.state.type === 'online')
  const stranger = signingKeyOf(systemRandom.bytes(32))
  const forged = JSON.stringify({ v: 1, device, decision: 'approved', store: STORE })
  for (const payload of [forged, signJws(forged, stranger), signJws(forged, hq.key)])
    await operator.publish({ topic: `tillbridge/1/enrol/${device}/down`, payload, retain: true })
  const disbelieved = (): number => gateway.log.split('an answer was not believed').length - 1
  await until('it heard all three', () => disbelieved() >= 3)
  t.notMatch(gateway.log, 'HQ approved')

  const approved = await hq.sign('stores', 'approve', device)
  t.match(approved, { code: 0, stdout: `${STORE} is gateway ${device} from now on` })
  await until('it is a store', () => /"selling"/.test(gateway.log))
  await until('HQ renews and lists it', async () =>
    (await listed()).includes(`${STORE}  gateway ${device}`),
  )

  const line = join(broker.folder, 'till')
  const config = join(broker.folder, 'shop.yaml')
  writeFileSync(
    config,
    `store: ${STORE}\nhq: { url: 'mqtts://ignored:1' }\nbroker: off\nterminals:
  - { id: till-1, profile: tillbridge/reference-till, firmware: '1.0', line: { serial: { path: ${line} } } }\n`,
  )
  const published = await hq.sign(
    ...['document', 'publish', 'shop', config, '--kind', 'configuration', '--store', STORE],
  )
  t.equal(published.code, 0, published.stderr)
  const log = join(broker.folder, 'till.ndjson')
  startProgram(t, [
    ...[process.execPath, MAIN, 'simulate', 'register', '--id', 'till-1', '--link', line],
    ...['--model', 'lrc', '--log', log, '--per-minute', '600', '--sales', String(SALES)],
    ...['--seed', '1'],
  ])
  const feed = new LedgerFeed({ socketPath: join(hq.ledger, 'query.sock') })
  const rows: string[] = []
  const sales = (): number => rows.filter(row => row.includes('"type":"sale.completed"')).length
  const sell = async (): Promise<boolean> => {
    rows.push(...(await feed.read()))
    return sales() >= SALES
  }
  await until('its sales stand in the ledger', sell, 300_000)

  const shown = await hq.run('stores', 'show', STORE)
  t.match(shown.stdout, new RegExp(`gateway ${device} .* speaks as it`))
  t.match(shown.stdout, /all that it is known to have had is here/)
  const retained = new Set<string>()
  operator.subscribe('tillbridge/1/enrol/#', ({ topic, payload, retained: isKept }) => {
    if (isKept && payload.length > 0) retained.add(topic)
  })
  operator.subscribe('tillbridge/1/hq/ledger', () => void retained.add('end'))
  await until('the broker has said what it keeps', () => retained.has('end'))
  t.same([...retained], ['end'], 'question and answer were taken away')
})
