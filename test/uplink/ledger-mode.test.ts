import { cpSync } from 'node:fs'
import t, { type Test } from 'tap'
import { FULL_ACCESS } from '../../gateway/broker/access-rules.js'
import { LocalBroker } from '../../gateway/broker/local-broker.js'
import { systemClock } from '../../gateway/core/clock.js'
import { TillbridgeError } from '../../gateway/core/errors.js'
import { newLedgerId } from '../../gateway/core/ids.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import type { Journal } from '../../gateway/journal/journal.js'
import type { MqttConnection } from '../../gateway/mqtt/connection.js'
import { openLinkFault } from '../../gateway/simulator/link-fault.js'
import { Uplink } from '../../gateway/uplink/uplink.js'
import { decodeHello } from '../../gateway/wire/hello.js'
import { encodeReceipt } from '../../gateway/wire/receipt.js'
import { online } from '../contract/mqtt-connection.js'
import { journalIn } from '../journal/open.js'
import { errorLog } from '../support/error-log.js'
import { damagedAt, journalWith } from '../support/faulty-journal.js'
import { startMosquitto } from '../support/mosquitto.js'
import { connectTo } from '../support/mqtt.js'
import { STORE } from '../support/sample.js'
import { ScriptedConnection } from '../support/scripted-connection.js'
import {
  allRows,
  freshDirectory,
  openHq,
  openLedger,
  openShop,
  sell,
  soldIn,
  TOPICS,
  upTo,
} from '../support/shop.js'
import { until } from '../support/until.js'

async function startAedes(t: Test) {
  const broker = new LocalBroker({
    id: 'hq',
    listen: { host: '127.0.0.1', port: 0 },
    clients: [],
    anonymous: FULL_ACCESS,
    logger: silentLogger,
    random: systemRandom,
  })
  await broker.start()
  t.teardown(() => broker.stop())
  return { port: broker.address?.port ?? 0 }
}

async function startReal(t: Test, port?: number) {
  const broker = await startMosquitto(port === undefined ? {} : { port })
  t.teardown(() => broker.stop())
  return broker
}

for (const [name, start] of [
  ['mosquitto', startReal],
  ['aedes', startAedes],
] as const)
  t.test(`${name}: backlog and live sales reach the ledger once, and the fan-out`, async t => {
    const { port } = await start(t)
    const listener = connectTo({ port })
    const heard = new Map<string, { readonly historical: boolean; readonly topic: string }>()
    listener.subscribe('tb/+/events/#', ({ topic, payload }) => {
      const { id, historical } = JSON.parse(Buffer.from(payload).toString())
      heard.set(id, { historical, topic })
    })
    await online(listener)
    const ledger = await openLedger(freshDirectory(t))
    const shop = await openShop(t, { port })
    await sell(shop.journal, upTo(700))
    await until('the uplink is there', () => shop.connection.state.type === 'online')
    const { hq } = openHq(t, { port, ledger })
    await until('the backlog is confirmed', () => shop.journal.statistics().backlog === 0)
    await sell(shop.journal, upTo(750, 701))
    await until('all is confirmed', () => shop.journal.statistics().backlog === 0)
    t.same(await soldIn(ledger), upTo(750))
    t.same(shop.uplink.status, { state: 'online' })
    await until('all was fanned out', () => heard.size === 751)
    t.match(heard.get('sale-750'), {
      historical: false,
      topic: 'tb/store-001/events/till-1/sale.completed',
    })
    await until('the outbox is empty', async () => (await ledger.outbox(1)).length === 0)
    t.match(hq.status, {
      receiver: { refused: 0, failed: 0, stored: 751 },
      fanOut: { role: 'leader', published: 751, shelved: 0 },
    })
    await listener.stop(500)
  })

t.test('historical is what was journaled before the session', async t => {
  const broker = await startReal(t)
  const ledger = await openLedger(freshDirectory(t))
  const link = await openLinkFault({ target: broker.port })
  t.teardown(() => link.close())
  const shop = await openShop(t, { port: link.port })
  openHq(t, { port: broker.port, ledger })
  await until('the first receipt', () => shop.uplink.status.state === 'online')
  await sell(shop.journal, [1])
  await until('live', async () => (await soldIn(ledger)).length === 1)
  link.pull()
  await until('it is noticed', () => shop.uplink.status.state === 'offline')
  t.match(shop.uplink.status.reason, /reset|closed/)
  await sell(shop.journal, [2])
  link.restore()
  await until('after the outage', async () => (await soldIn(ledger)).length === 2)
  const sales = (await allRows(ledger)).filter(row => row.header.type === 'sale.completed')
  t.same(
    sales.map(row => row.historical),
    [false, true],
  )
})

t.test('broker restarts, a pulled and a silent link: once each, in order', async t => {
  const broker = await startReal(t)
  const link = await openLinkFault({ target: broker.port })
  t.teardown(() => link.close())
  const ledger = await openLedger(freshDirectory(t))
  const shop = await openShop(t, { port: link.port })
  openHq(t, { port: broker.port, ledger })
  const faults = [
    async () => {
      await broker.stop()
      await startReal(t, broker.port)
    },
    async () => link.pull(),
    async () => link.stall(),
  ]
  let sold = 0
  for (const fault of faults) {
    await sell(shop.journal, upTo(sold + 150, sold + 1))
    const before = (await soldIn(ledger)).length
    await until('some arrive', async () => (await soldIn(ledger)).length > before)
    await Promise.all([fault(), sell(shop.journal, upTo(sold + 300, sold + 151))])
    link.restore()
    sold += 300
  }
  await until('all is confirmed', () => shop.journal.statistics().backlog === 0)
  t.same(await soldIn(ledger), upTo(sold))
})

t.test('HQ comes back with an empty ledger: everything kept is sent again', async t => {
  const broker = await startReal(t)
  const shop = await openShop(t, { port: broker.port })
  const first = openHq(t, { port: broker.port, ledger: await openLedger(freshDirectory(t)) })
  await sell(shop.journal, upTo(700))
  await until('all is confirmed', () => shop.journal.statistics().backlog === 0)
  await first.close()
  const empty = await openLedger(freshDirectory(t))
  openHq(t, { port: broker.port, ledger: empty })
  await until('it has everything', async () => (await soldIn(empty)).length === 700)
  await until('all is confirmed again', () => shop.journal.statistics().backlog === 0)
})

t.test(
  'HQ is away while the broker is there: the status says so, and its return is noticed',
  async t => {
    const broker = await startReal(t)
    const shop = await openShop(t, { port: broker.port, patience: { receiptMs: 200 } })
    await sell(shop.journal, upTo(10))
    await until('the reason', () => /HQ does not answer/.test(shop.uplink.status.reason ?? ''))
    t.equal(shop.uplink.status.state, 'connecting')
    t.equal(shop.journal.statistics().backlog, 11)
    const ledger = await openLedger(freshDirectory(t))
    openHq(t, { port: broker.port, ledger })
    await until('all is confirmed', () => shop.journal.statistics().backlog === 0)
  },
)

t.test('a damaged record is told once and gone by; what stands behind it arrives', async t => {
  const { port } = await startReal(t)
  const ledger = await openLedger(freshDirectory(t))
  const { logger, errors } = errorLog()
  const shop = await openShop(t, { port, logger, flaw: journal => damagedAt(journal, 4) })
  await sell(shop.journal, upTo(700))
  const first = openHq(t, { port, ledger })
  await until('all but one is confirmed', () => shop.journal.statistics().backlog === 1)
  t.match(shop.uplink.status, {
    state: 'online',
    reason: /damaged.*1-[0-9a-f]{32}\/4 is the first/,
  })
  await first.close()
  const empty = await openLedger(freshDirectory(t))
  openHq(t, { port, ledger: empty })
  await until('the next pass', async () => (await soldIn(empty)).length === 699)
  t.same(errors, ['a damaged record of the journal: kept, unsent'])
})

t.test('a broker that takes small packets only gets small batches', async t => {
  const config = ['allow_anonymous true', 'max_packet_size 2000']
  const broker = await startMosquitto({ config })
  t.teardown(() => broker.stop())
  const ledger = await openLedger(freshDirectory(t))
  const shop = await openShop(t, { port: broker.port })
  await sell(shop.journal, upTo(150))
  openHq(t, { port: broker.port, ledger })
  await until('all is confirmed', () => shop.journal.statistics().backlog === 0)
  t.match(shop.connection.state, { session: 1 })
})

t.test('a journal that cannot trim takes receipts all the same', async t => {
  const { port } = await startReal(t)
  const flaw = (journal: Journal): Journal =>
    journalWith(journal, {
      confirm: async (epochs, asked) => {
        await journal.confirm(epochs, asked)
        throw new TillbridgeError('TB_JOURNAL_WRITE', 'no space')
      },
    })
  const shop = await openShop(t, { port, flaw, patience: { receiptMs: 60_000 } })
  openHq(t, { port, ledger: await openLedger(freshDirectory(t)) })
  await sell(shop.journal, upTo(1200))
  await until('all is confirmed', () => shop.journal.statistics().backlog === 0)
  t.same(shop.uplink.status, { state: 'online' })
})

t.test('an older card is put back: what HQ has beyond it is named as a lost tail', async t => {
  const { port } = await startReal(t)
  const ledger = await openLedger(freshDirectory(t))
  const card = freshDirectory(t)
  const image = freshDirectory(t)
  const first = await journalIn(card)
  const { epoch } = first
  await sell(first, upTo(4))
  cpSync(card, image, { recursive: true })
  await sell(first, upTo(9, 5))
  await first.close()
  const before = await openShop(t, { port, directory: card })
  const { hq } = openHq(t, { port, ledger })
  await until('all is confirmed', () => before.journal.statistics().backlog === 0)
  await before.close()
  const shop = await openShop(t, { port, directory: image })
  const gaps = async () =>
    (await allRows(ledger)).filter(({ header }) => header.type === 'journal.gap')
  await until('the gap is at HQ', async () => (await gaps()).length === 1)
  const [row] = await gaps()
  const data = { epoch, first: 6, last: 10, kind: 'tail-lost', cause: 'HQ holds it up to 10' }
  t.same(JSON.parse(Buffer.from(row?.event ?? []).toString()).data, data)
  await sell(shop.journal, [11, 12])
  await until('it sells on', () => shop.journal.statistics().backlog === 0)
  t.equal((await gaps()).length, 1, 'named once')
  t.match(hq.status, { receiver: { refused: 0, failed: 0 } })
})

/** HQ played by the test: answers hello with whatever it is told to. */
async function playHq(
  t: Test,
  port: number,
): Promise<{
  readonly connection: MqttConnection
  readonly hellos: number
  readonly batches: number
}> {
  const connection = connectTo({ port })
  const counts = { connection, hellos: 0, batches: 0 }
  connection.subscribe(TOPICS.every.hello, ({ payload }) => {
    if (decodeHello(payload).ok) counts.hellos += 1
  })
  connection.subscribe(TOPICS.every.journal, () => {
    counts.batches += 1
  })
  await online(connection)
  t.teardown(() => connection.stop(500))
  return counts
}

t.test('receipts: a retained one proves nothing, the last one wins and may go down', async t => {
  const { port } = await startReal(t)
  const hq = await playHq(t, port)
  const shop = await openShop(t, { port, patience: { receiptMs: 60_000 } })
  await sell(shop.journal, upTo(99))
  const { epoch } = shop.journal
  const ledger = newLedgerId(systemRandom)
  const receipt = (last: number, generation = ledger): Promise<void> =>
    hq.connection.publish({
      topic: TOPICS.receipt(STORE),
      retain: true,
      payload: encodeReceipt({
        v: 1,
        ledger: generation,
        epochs: last === 0 ? [] : [{ epoch, upTo: last, missing: [] }],
        credit: 2,
      }),
    })
  const backlog = (): number => shop.journal.statistics().backlog
  await until('hello', () => hq.hellos === 1)
  await receipt(60)
  await until('60 are confirmed', () => backlog() === 40)
  await until('the rest is sent', () => hq.batches > 0)
  await receipt(20)
  await until('it goes down', () => backlog() === 80)
  await receipt(100)
  await until('and up', () => backlog() === 0)
  t.equal(hq.hellos, 1)
  await receipt(0, newLedgerId(systemRandom))
  await until('a new ledger: nothing is confirmed', () => backlog() === 100)
  await until('and hello again', () => hq.hellos === 2)
})

t.test('a retained receipt may be a lie of the past: only a live one confirms', async t => {
  const journal = await journalIn(freshDirectory(t))
  t.teardown(() => journal.close())
  await sell(journal, upTo(5))
  const connection = new ScriptedConnection()
  const { logger, errors } = errorLog()
  const uplink = new Uplink({
    mode: 'ledger',
    store: STORE,
    topics: TOPICS,
    software: 'test',
    journal,
    connection,
    clock: systemClock,
    random: systemRandom,
    logger,
  })
  uplink.start()
  connection.start()
  await until('hello', () => connection.countOn(TOPICS.hello(STORE)) === 1)
  const ledger = newLedgerId(systemRandom)
  const { epoch } = journal
  const receiptUpTo = (last: number): string =>
    encodeReceipt({ v: 1, ledger, epochs: [{ epoch, upTo: last, missing: [] }], credit: 2 })
  const receipt = {
    topic: TOPICS.receipt(STORE),
    payload: receiptUpTo(6),
  }
  await connection.hear(receipt, true)
  t.equal(journal.statistics().backlog, 6)
  await connection.hear({ ...receipt, payload: 'no receipt' })
  t.equal(journal.statistics().backlog, 6)
  t.match(uplink.status, { state: 'connecting' })
  await connection.hear(receipt)
  t.equal(journal.statistics().backlog, 0)
  t.same(uplink.status, { state: 'online' })
  t.same(errors, [])
  for (const upTo of [7, 8]) await connection.hear({ ...receipt, payload: receiptUpTo(upTo) })
  t.match(errors, [/HQ holds 1-.* up to 7, this journal only to 6/], 'said once')
  await uplink.stop(500)
  t.match(connection.published.at(-1), { topic: TOPICS.status(STORE), retain: true })
})

t.test('a journal of many epochs asks about them by and by, again after a restore', async t => {
  const { port } = await startReal(t)
  const directory = freshDirectory(t)
  const epochs = 23
  for (let opening = 1; opening < epochs; opening += 1) {
    const journal = await journalIn(directory)
    await sell(journal, [opening])
    await journal.close()
  }
  const hellos: number[] = []
  const spy = connectTo({ port })
  t.teardown(() => spy.stop(500))
  spy.subscribe(TOPICS.every.hello, ({ payload }) => {
    const hello = decodeHello(payload)
    if (hello.ok) hellos.push(hello.value.epochs.length)
  })
  await online(spy)
  const first = await openLedger(freshDirectory(t))
  const hq = openHq(t, { port, ledger: first })
  const shop = await openShop(t, { port, directory, helloEpochs: 5 })
  await sell(shop.journal, [epochs])
  await until('all is confirmed', () => shop.journal.statistics().backlog === 0)
  t.same(await soldIn(first), upTo(epochs))
  await until('the spy hears it in pages', () => hellos.length >= 5)
  t.ok(
    hellos.every(count => count <= 6),
    hellos.join(' '),
  )
  t.match(shop.connection.state, { session: 1 })
  await hq.close()
  const empty = await openLedger(freshDirectory(t))
  openHq(t, { port, ledger: empty })
  await until('it has everything', async () => (await soldIn(empty)).length === epochs)
  await sell(shop.journal, [epochs + 1])
  await until('all is confirmed', () => shop.journal.statistics().backlog === 0)
  t.same(await soldIn(empty), upTo(epochs + 1))
})

t.test('a store that has nothing to send hears of a backup all the same', async t => {
  const { port } = await startReal(t)
  const ledger = await openLedger(freshDirectory(t))
  openHq(t, { port, ledger })
  const { journal } = await openShop(t, { port, patience: { askAgainMs: 200 } })
  await sell(journal, upTo(5))
  await until('all is confirmed', () => journal.statistics().backlog === 0)
  t.equal(journal.statistics().retention, 'days')
  const { id } = await ledger.beginBackup()
  await ledger.endBackup(id, 1)
  await until('it is told what is safe', () => journal.statistics().retention === 'safe')
  await until('the sales are trimmed', () => journal.statistics().records < 5)
})
