import t from 'tap'
import { silentLogger } from '../../gateway/core/log.js'
import { JournalIngest } from '../../gateway/ingest/journal-ingest.js'
import { openJournalDatabase } from '../../gateway/journal/open-database.js'
import { journalOver } from '../journal/open.js'
import { FaultyDatabase } from '../support/faulty-database.js'
import { MqttTill } from '../support/mqtt-till.js'
import { until } from '../support/until.js'
import { CHEAP_HASH, saleEvent, startSelling, TILL, TOPIC } from './selling.js'

t.test('a sale is in the journal before its PUBACK, at QoS 1 and at QoS 2', async t => {
  let release: () => void = () => undefined
  const gate = { wait: Promise.resolve() }
  const close = (): void => {
    gate.wait = new Promise(resolve => {
      release = resolve
    })
  }
  const shop = await startSelling(t, {
    ingest: journal => {
      const ingest = new JournalIngest({ journal, logger: silentLogger })
      return async (...given) => {
        await gate.wait
        return ingest.ingest(...given)
      }
    },
  })
  const till = await MqttTill.at(shop.port, TILL)
  await until('it is connected', () => shop.session.status.state === 'connected')
  for (const [qos, answers] of [
    [1, () => till.acknowledged],
    [2, () => till.received],
  ] as const) {
    close()
    till.publish({ topic: TOPIC, payload: saleEvent(qos), qos, id: qos })
    await until('it was read', () => shop.session.status.framesTotal === qos)
    t.strictSame(answers(), [], 'nothing is journaled, so nothing is acknowledged')
    release()
    await until('it is acknowledged', () => answers().length === 1)
    t.equal((await shop.events('sale.completed')).length, qos, 'and it stands there')
  }
  till.release(2)
  await until('PUBCOMP', () => till.completed.length === 1)
  till.close()
})

t.test(
  'a sale on the topic of another till is not acknowledged, whatever rule allows it',
  async t => {
    const app = { username: 'app', password: TILL.password }
    const rules = { read: [], write: ['#'] }
    const others = [{ username: app.username, passwordHash: CHEAP_HASH, rules }]
    const shop = await startSelling(t, { others })
    const stranger = await MqttTill.at(shop.port, app)
    stranger.publish({ topic: 'shop/notes', payload: 'hello', id: 1 })
    await until('that is its own', () => stranger.acknowledged.length === 1)
    stranger.publish({ topic: TOPIC, payload: saleEvent(1), id: 2 })
    await until('it is cut', () => stranger.isClosed)
    t.strictSame(stranger.acknowledged, [1], 'nobody keeps it')
    t.same(await shop.events('sale.completed'), [])
  },
)

t.test(
  'the disk fails: no PUBACK; said again when it takes writes, the sale is there once',
  async t => {
    const database = new FaultyDatabase(await openJournalDatabase(t.testdir()))
    const journal = await journalOver(database)
    t.teardown(() => journal.close())
    const shop = await startSelling(t, { journal })
    const till = await MqttTill.at(shop.port, TILL)
    till.publish({ topic: TOPIC, payload: saleEvent(1), id: 1 })
    await until('the first is acknowledged', () => till.acknowledged.length === 1)
    database.failOpens(Number.POSITIVE_INFINITY)
    database.failWrite({ in: 1 })
    till.publish({ topic: TOPIC, payload: saleEvent(2), id: 2 })
    await until('it is cut', () => till.isClosed)
    t.strictSame(till.acknowledged, [1])
    const again = await MqttTill.at(shop.port, TILL)
    again.publish({ topic: TOPIC, payload: saleEvent(2), id: 2, isRepeat: true })
    await until('cut again', () => again.isClosed)
    t.strictSame(again.acknowledged, [])
    database.failOpens(0)
    const sell = async (): Promise<boolean> => {
      const later = await MqttTill.at(shop.port, TILL)
      later.publish({ topic: TOPIC, payload: saleEvent(2), id: 7, isRepeat: true })
      await until('an answer', () => later.isClosed || later.acknowledged.length === 1)
      later.close()
      return later.acknowledged.length === 1
    }
    await until('it is taken', sell)
    t.equal(await sell(), true, 'one that is in the journal already is acknowledged, too')
    const sales = await shop.events('sale.completed')
    t.strictSame(
      sales.map(({ subject }) => subject),
      ['1', '2'],
    )
  },
)

t.test('a write that fails and yet stands: said again it is a duplicate', async t => {
  const database = new FaultyDatabase(await openJournalDatabase(t.testdir()))
  const journal = await journalOver(database)
  t.teardown(() => journal.close())
  const shop = await startSelling(t, { journal })
  const till = await MqttTill.at(shop.port, TILL)
  await until('it is connected', () => shop.session.status.state === 'connected')
  database.failWrite({ in: 1, survives: true })
  till.publish({ topic: TOPIC, payload: saleEvent(1) })
  await until('it is cut', () => till.isClosed)
  await until('acknowledged', async () => {
    const again = await MqttTill.at(shop.port, TILL)
    again.publish({ topic: TOPIC, payload: saleEvent(1), isRepeat: true })
    await until('an answer', () => again.isClosed || again.acknowledged.length === 1)
    again.close()
    return again.acknowledged.length === 1
  })
  t.equal((await shop.events('sale.completed')).length, 1)
})

t.test('what does not add up is rejected as everywhere, and so is what is no event', async t => {
  const shop = await startSelling(t)
  const till = await MqttTill.at(shop.port, TILL)
  till.publish({ topic: TOPIC, payload: saleEvent(1, 410), id: 1 })
  till.publish({ topic: TOPIC, payload: 'coffee', id: 2 })
  till.publish({ topic: TOPIC, payload: '', id: 3 })
  await until('all are acknowledged: they are kept', () => till.acknowledged.length === 3)
  t.equal((await shop.events('sale.completed')).length, 0)
  const rejected = await shop.events('frame.rejected')
  t.match(rejected, [
    { data: { issues: [/sale-completed: data.totalMinor: the lines add up to 400/] } },
    { data: { issues: [/JSON/] } },
    { data: { issues: [/JSON/] } },
  ])
  till.close()
})

t.test('many in flight: each is answered, in their order', async t => {
  const shop = await startSelling(t)
  const till = await MqttTill.at(shop.port, TILL)
  const ids = Array.from({ length: 200 }, (_, index) => index + 1)
  for (const id of ids) till.publish({ topic: TOPIC, payload: saleEvent(id), id })
  await until('all are acknowledged', () => till.acknowledged.length === ids.length)
  t.strictSame(till.acknowledged, ids)
  t.equal((await shop.events('sale.completed')).length, ids.length)
  till.close()
})

t.test('QoS 2: a repeat before PUBREL, and a PUBREL that a restart forgot', async t => {
  const shop = await startSelling(t)
  const till = await MqttTill.at(shop.port, TILL)
  till.publish({ topic: TOPIC, payload: saleEvent(1), qos: 2, id: 9 })
  await until('PUBREC', () => till.received.length === 1)
  till.publish({ topic: TOPIC, payload: saleEvent(1), qos: 2, id: 9, isRepeat: true })
  await until('PUBREC again', () => till.received.length === 2)
  till.close()
  const back = await MqttTill.at(shop.port, TILL)
  back.release(9)
  await until('PUBCOMP', () => back.completed.length === 1)
  t.equal((await shop.events('sale.completed')).length, 1)
  back.close()
})

t.test('what a till says is for the gateway: no subscriber hears it, none finds it', async t => {
  const shop = await startSelling(t)
  const till = await MqttTill.at(shop.port, TILL)
  const nosy = await MqttTill.at(shop.port, { ...TILL, clientId: 'nosy' }).catch(() => undefined)
  // The line's newest connection counts: that is the till's again.
  const again = await MqttTill.at(shop.port, { ...TILL, clientId: 'back' })
  t.equal(nosy?.isClosed ?? true, true, 'a newer connection ended it')
  t.strictSame(await again.subscribe('#'), [0])
  again.publish({ topic: TOPIC, payload: saleEvent(1), retain: true })
  again.publish({ topic: 'notes/a', payload: 'x', id: 2 })
  await until('both are acknowledged', () => again.acknowledged.length === 2)
  await until('the note came back', () => again.told.includes('notes/a'))
  t.notOk(again.told.includes(TOPIC))
  const late = await MqttTill.at(shop.port, { ...TILL, clientId: 'late' })
  await late.subscribe('#')
  t.notOk(late.told.includes(TOPIC))
  for (const one of [till, again, late]) one.close()
})

t.test('a will cannot be acknowledged, so it is no sale', async t => {
  const shop = await startSelling(t)
  const refused = await MqttTill.over(shop.port)
  const will = { topic: TOPIC, payload: saleEvent(1) }
  t.equal(await refused.introduce({ ...TILL, will }), 5)
  const allowed = await MqttTill.over(shop.port)
  t.equal(await allowed.introduce({ ...TILL, will: { topic: 'notes/gone', payload: 'x' } }), 0)
  allowed.close()
  t.equal((await shop.events('sale.completed')).length, 0)
})

t.test('the status says whether the till is there', async t => {
  const shop = await startSelling(t)
  t.equal(shop.session.status.state, 'opening')
  const till = await MqttTill.at(shop.port, TILL)
  await until('connected', () => shop.session.status.state === 'connected')
  till.close()
  await until('lost', () => shop.session.status.state === 'lost')
  t.match(shop.session.status, { address: TOPIC, reason: 'the client left the broker' })
})
