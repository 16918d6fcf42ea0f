import t, { type Test } from 'tap'
import { storeAccess } from '../../gateway/broker/access-rules.js'
import { LocalBroker } from '../../gateway/broker/local-broker.js'
import { toHex } from '../../gateway/core/bytes.js'
import { systemClock } from '../../gateway/core/clock.js'
import { TillbridgeError } from '../../gateway/core/errors.js'
import { terminalId } from '../../gateway/core/ids.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { openLinkFault } from '../../gateway/simulator/link-fault.js'
import { Uplink } from '../../gateway/uplink/uplink.js'
import { online } from '../contract/mqtt-connection.js'
import { journalIn } from '../journal/open.js'
import { connectionWith } from '../support/connection-with.js'
import { errorLog } from '../support/error-log.js'
import { damagedAt } from '../support/faulty-journal.js'
import { startMosquitto } from '../support/mosquitto.js'
import { connectTo } from '../support/mqtt.js'
import { STORE, sale } from '../support/sample.js'
import { ScriptedConnection } from '../support/scripted-connection.js'
import {
  freshDirectory,
  openHq,
  openLedger,
  openShop,
  receiptNumberOf,
  sell,
  TOPICS,
  upTo,
} from '../support/shop.js'
import { until } from '../support/until.js'

async function start(t: Test, acl?: string) {
  const broker = await startMosquitto(
    acl === undefined
      ? {}
      : { config: ['allow_anonymous true', 'acl_file $DIR/acl'], files: { acl } },
  )
  t.teardown(() => broker.stop())
  return broker
}

/** Receipt numbers on the events topics, in the order in which they come. */
async function listen(t: Test, port: number): Promise<number[]> {
  const listener = connectTo({ port })
  const heard: number[] = []
  listener.subscribe('tb/+/events/+/sale.completed', ({ payload }) => {
    heard.push(receiptNumberOf(payload))
  })
  await online(listener)
  t.teardown(() => listener.stop(500))
  return heard
}

for (const protocol of ['5', '3.1.1'] as const)
  t.test(`MQTT ${protocol}: each event on its topic, confirmed by PUBACK, in order`, async t => {
    const { port } = await start(t)
    const heard = await listen(t, port)
    const shop = await openShop(t, { port, mode: 'direct', protocol })
    await until('the probe is heard', () => shop.uplink.status.state === 'online')
    await sell(shop.journal, upTo(350))
    await until('all is confirmed', () => shop.journal.statistics().backlog === 0)
    await until('all is heard', () => heard.length >= 350)
    t.same([...new Set(heard)], upTo(350))
    t.match(shop.journal.statistics(), { records: 351 }, 'kept for its days')
    t.same(await shop.journal.append([sale({ number: 350 })]), ['duplicate'], 'said again')
  })

t.test('a damaged record is gone by in direct mode, too', async t => {
  const { port } = await start(t)
  const { logger, errors } = errorLog()
  const flaw = (journal: Journal): Journal => damagedAt(journal, 4)
  const shop = await openShop(t, { port, mode: 'direct', logger, flaw })
  await sell(shop.journal, upTo(350))
  await until('all but one is confirmed', () => shop.journal.statistics().backlog === 1)
  t.match(shop.uplink.status, { state: 'online', reason: /damaged/ })
  t.same(errors, ['a damaged record of the journal: kept, unsent'])
})

t.test('a link that is cut again and again: at least once, nothing missing', async t => {
  const { port } = await start(t)
  const heard = await listen(t, port)
  const link = await openLinkFault({ target: port })
  t.teardown(() => link.close())
  const shop = await openShop(t, { port: link.port, mode: 'direct' })
  for (let round = 0; round < 3; round += 1) {
    const before = heard.length
    await sell(shop.journal, upTo(round * 200 + 200, round * 200 + 1))
    await until('some are heard', () => heard.length > before)
    link.pull()
    link.restore()
  }
  await until('all is confirmed', () => shop.journal.statistics().backlog === 0)
  await until('all is heard', () => new Set(heard).size >= 600)
  t.same(
    [...new Set(heard)].sort((left, right) => left - right),
    upTo(600),
  )
  t.comment(`${heard.length - new Set(heard).size} of 600 came twice`)
})

const TILL_2 = terminalId('till-2')
const READ = 'topic read tb/#\n'
const NO_EVENTS = `topic write tb/${STORE}/up/#\ntopic read tb/#\n`

t.test(
  '3.1.1: a forbidden publish is acknowledged all the same, and nothing is trimmed',
  async t => {
    const { port } = await start(t, NO_EVENTS)
    const patience = { probeMs: 1000 }
    const shop = await openShop(t, { port, mode: 'direct', protocol: '3.1.1', patience })
    await sell(shop.journal, upTo(20))
    await until('denied', () => shop.uplink.status.state === 'denied')
    t.match(shop.uplink.status.reason, /took the probe and did not deliver it back/)
    t.match(shop.journal.statistics(), { records: 21, backlog: 21 })
  },
)

t.test('MQTT 5: the broker says that it forbids, and nothing is trimmed', async t => {
  const { port } = await start(t, NO_EVENTS)
  const shop = await openShop(t, { port, mode: 'direct' })
  await sell(shop.journal, upTo(20))
  await until('denied', () => shop.uplink.status.state === 'denied')
  t.match(shop.uplink.status.reason, /forbidden by the broker: .*probe.* code 135/)
  t.match(shop.journal.statistics(), { records: 21, backlog: 21 })
})

t.test('what the broker forbids stays, and all else goes on', async t => {
  const probe = TOPICS.probe(STORE)
  const most = `topic readwrite ${probe}\ntopic write tb/${STORE}/events/gateway/+\n`
  const { port } = await start(t, `${most}topic write tb/${STORE}/events/till-2/#\n${READ}`)
  const heard = await listen(t, port)
  const { logger, errors } = errorLog()
  const shop = await openShop(t, { port, mode: 'direct', logger })
  await sell(shop.journal, upTo(250))
  await shop.journal.append(upTo(350, 251).map(number => sale({ number, terminal: TILL_2 })))
  const said = /and 249 more.*till-1\/sale.completed/
  await until('all were offered', () => said.test(shop.uplink.status.reason ?? ''))
  t.equal(shop.uplink.status.state, 'denied')
  await until('the others are confirmed', () => shop.journal.statistics().backlog === 250)
  await until('and heard', () => heard.length >= 100)
  t.same(heard, upTo(350, 251), 'once each')
  t.same(errors, ['a record that the broker refuses: kept, unsent'], 'one line a topic')
  t.match(shop.connection.state, { session: 1 }, 'nothing starts over')
})

t.test('a record that is too large for the broker holds up no other, in either mode', async t => {
  for (const mode of ['direct', 'ledger'] as const) {
    const broker = await startMosquitto({
      config: ['allow_anonymous true', 'max_packet_size 3000'],
    })
    t.teardown(() => broker.stop())
    const { port } = broker
    if (mode === 'ledger') openHq(t, { port, ledger: await openLedger(freshDirectory(t)) })
    const shop = await openShop(t, { port, mode })
    await sell(shop.journal, upTo(5))
    const describe = (): string => toHex(systemRandom.bytes(20))
    await shop.journal.append([sale({ number: 6, lines: 200, describe })])
    await sell(shop.journal, upTo(20, 7))
    await until(`${mode}: all but one is confirmed`, () => shop.journal.statistics().backlog === 1)
    t.match(shop.uplink.status, { state: 'denied', reason: /the broker takes 3000/ })
    await sell(shop.journal, upTo(25, 21))
    await until('and so are the next', () => shop.journal.statistics().backlog === 1)
    t.match(shop.connection.state, { session: 1 }, 'nothing starts over')
    await shop.close()
  }
})

/** Direct mode on a broker that answers as the test says. */
async function openScripted(
  t: Test,
  answer: (number: number) => TillbridgeError | undefined,
): Promise<{ readonly journal: Journal; readonly uplink: Uplink; readonly start: () => void }> {
  const journal = await journalIn(freshDirectory(t))
  const echoing = new ScriptedConnection({ echoes: TOPICS.probe(STORE) })
  const connection = connectionWith(echoing, async message => {
    const refusal = answer(receiptNumberOf(Buffer.from(message.payload)))
    if (refusal !== undefined) throw refusal
    return echoing.publish(message)
  })
  const uplink = new Uplink({
    mode: 'direct',
    store: STORE,
    topics: TOPICS,
    software: 'test',
    journal,
    connection,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    patience: { refusedMs: 100 },
  })
  uplink.start()
  t.teardown(async () => {
    await uplink.stop(500)
    await journal.close()
  })
  return { journal, uplink, start: () => echoing.start() }
}

t.test('what was forbidden is offered again, on the same connection', async t => {
  const denied = new TillbridgeError('TB_MQTT_DENIED', 'refused with code 135')
  let isForbidden = true
  let offers = 0
  const { journal, uplink, start } = await openScripted(t, number => {
    if (Number.isNaN(number)) return undefined
    offers += 1
    return isForbidden ? denied : undefined
  })
  await sell(journal, [1])
  start()
  await until('it is offered again', () => offers > 2)
  t.match(uplink.status, { state: 'denied', reason: /code 135/ })
  isForbidden = false
  await until('it is confirmed', () => journal.statistics().backlog === 0)
  t.same(uplink.status, { state: 'online' })
})

t.test('beyond a thousand gaps what was acknowledged is not published again', async t => {
  const published = new Map<number, number>()
  const { journal, start } = await openScripted(t, number => {
    published.set(number, (published.get(number) ?? 0) + 1)
    return number % 2 === 1 ? new TillbridgeError('TB_MQTT_TOO_LARGE', 'too much') : undefined
  })
  await journal.append(upTo(2600).map(number => sale({ number })))
  start()
  await until('all was offered', () => published.size > 2600)
  await sell(journal, [2602, 2604])
  await until('and the next', () => published.has(2604))
  t.same(
    [...published].filter(([number, count]) => number % 2 === 0 && count > 1),
    [],
  )
})

t.test('aedes: the filter is refused, and the status says which', async t => {
  const broker = new LocalBroker({
    id: 'hq',
    listen: { host: '127.0.0.1', port: 0 },
    clients: [],
    anonymous: storeAccess({ root: 'tb', store: STORE, mode: 'ledger' }),
    logger: silentLogger,
    random: systemRandom,
  })
  await broker.start()
  t.teardown(() => broker.stop())
  const shop = await openShop(t, { port: broker.address?.port ?? 0, mode: 'direct' })
  await until('denied', () => shop.uplink.status.state === 'denied')
  t.match(shop.uplink.status.reason, /may not read tb\/store-001\/events\/gateway\/probe/)
  t.equal(shop.journal.statistics().backlog, 1)
})
