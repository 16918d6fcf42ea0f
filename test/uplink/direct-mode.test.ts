import t, { type Test } from 'tap'
import { storeAccess } from '../../gateway/broker/access-rules.js'
import { LocalBroker } from '../../gateway/broker/local-broker.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { openLinkFault } from '../../gateway/simulator/link-fault.js'
import { online } from '../contract/mqtt-connection.js'
import { errorLog } from '../support/error-log.js'
import { damagedAt } from '../support/faulty-journal.js'
import { startMosquitto } from '../support/mosquitto.js'
import { connectTo } from '../support/mqtt.js'
import { STORE, sale } from '../support/sample.js'
import { openShop, receiptNumberOf, sell, TOPICS, upTo } from '../support/shop.js'
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
  const link = await openLinkFault({ targetPort: port })
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

const NO_EVENTS = `topic write tb/${STORE}/up/#\ntopic read tb/#\n`

t.test(
  '3.1.1: a forbidden publish is acknowledged all the same, and nothing is trimmed',
  async t => {
    const { port } = await start(t, NO_EVENTS)
    const shop = await openShop(t, { port, mode: 'direct', protocol: '3.1.1' })
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

t.test('the right is taken away in the middle: what was confirmed stays so, no more', async t => {
  const probe = TOPICS.probe(STORE)
  const acl = `topic readwrite ${probe}\ntopic write tb/${STORE}/events/gateway/+\n`
  const { port } = await start(t, acl)
  const shop = await openShop(t, { port, mode: 'direct' })
  // The gateway's own first record may be published, the till's may not.
  await until('the first record is confirmed', () => shop.journal.statistics().backlog === 0)
  await sell(shop.journal, upTo(5))
  await until('denied', () => shop.uplink.status.state === 'denied')
  t.match(shop.uplink.status.reason, /till-1\/sale.completed/)
  t.equal(shop.journal.statistics().backlog, 5)
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
