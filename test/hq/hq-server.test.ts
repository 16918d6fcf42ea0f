import t, { type Test } from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import { TillbridgeError } from '../../gateway/core/errors.js'
import { epochId, storeId } from '../../gateway/core/ids.js'
import { LIMITS } from '../../gateway/core/limits.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import { encodeEvent } from '../../gateway/event/event.js'
import { HqServer } from '../../gateway/hq/hq-server.js'
import type { Ledger } from '../../gateway/hq/ledger.js'
import type { MqttConnection } from '../../gateway/mqtt/connection.js'
import { encodeBatch, makeBatch } from '../../gateway/wire/batch.js'
import { decodeLedgerGeneration, encodeHello } from '../../gateway/wire/hello.js'
import { decodeReceipt, type Receipt } from '../../gateway/wire/receipt.js'
import { chainHash, GENESIS, type JournalRecord } from '../../gateway/wire/record.js'
import { online } from '../contract/mqtt-connection.js'
import { connectionWith } from '../support/connection-with.js'
import { ledgerWith } from '../support/ledger-with.js'
import { startMosquitto } from '../support/mosquitto.js'
import { connectTo } from '../support/mqtt.js'
import { STORE, sale, TILL } from '../support/sample.js'
import { ScriptedConnection } from '../support/scripted-connection.js'
import { freshDirectory, openHq, openLedger, soldIn, TOPICS } from '../support/shop.js'
import { until } from '../support/until.js'

const EPOCH = epochId(`1-${'a'.repeat(32)}`)
const OTHER = storeId('store-002')

/** Sales 1 to `count` as an unbroken chain of records. */
function records(count: number, terminal = TILL): readonly JournalRecord[] {
  const chain: JournalRecord[] = []
  for (let seq = 1; seq <= count; seq += 1) {
    const event = sale({ number: seq, terminal })
    const header = {
      epoch: EPOCH,
      seq,
      class: 'ledger',
      type: event.type,
      boot: 'boot-1',
      monotonicMs: seq,
      clock: 'synced',
    } as const
    const body = { type: 'event', bytes: encodeEvent(event) } as const
    const hash = chainHash(chain.at(-1)?.hash ?? GENESIS, { header, body })
    chain.push({ header, body, hash })
  }
  return chain
}

function batchOf(sent: readonly JournalRecord[], store = STORE, previous = GENESIS) {
  return encodeBatch(makeBatch({ store, previous, records: sent, historical: false }))
}

/** HQ over a ledger, and a client that may say anything and hears every receipt of one store. */
async function stage(t: Test, ledger: Ledger) {
  const broker = await startMosquitto()
  t.teardown(() => broker.stop())
  const client = connectTo({ port: broker.port })
  t.teardown(() => client.stop(500))
  const receipts: Receipt[] = []
  client.subscribe(TOPICS.receipt(STORE), ({ payload }) => {
    const receipt = decodeReceipt(payload)
    if (receipt.ok) receipts.push(receipt.value)
  })
  const announced: string[] = []
  client.subscribe(TOPICS.ledger, ({ payload }) => {
    const generation = decodeLedgerGeneration(payload)
    if (generation.ok) announced.push(generation.value.ledger)
  })
  await online(client)
  const { hq, connection } = openHq(t, { port: broker.port, ledger })
  await until('HQ announces its ledger', () => announced.length === 1)
  t.same(announced, [(await ledger.generation()).ledger])
  return { client, receipts, hq, connection, port: broker.port }
}

t.test(
  'hello is answered at once; a batch after its commit; a late subscriber by the retained',
  async t => {
    const ledger = await openLedger(freshDirectory(t))
    const { client, receipts, hq, port } = await stage(t, ledger)
    const hello = encodeHello({ v: 1, software: 'test', epochs: [] })
    await client.publish({ topic: TOPICS.hello(STORE), payload: hello })
    await until('the answer', () => receipts.length === 1)
    const { ledger: generation } = await ledger.generation()
    t.same(receipts[0], { v: 1, ledger: generation, epochs: [], credit: 8 })
    await client.publish({ topic: TOPICS.journal(STORE), payload: await batchOf(records(3)) })
    await until('the receipt', () => receipts.at(-1)?.epochs[0]?.upTo === 3)
    t.match(hq.status.receiver, { batches: 1, stored: 3, refused: 0 })

    const late = connectTo({ port })
    let retained = 0
    late.subscribe(TOPICS.receipt(STORE), delivery => {
      retained += delivery.retained ? 1 : 0
    })
    await online(late)
    await until('the retained receipt', () => retained === 1)
    await late.stop(500)
  },
)

t.test('batches in any order and twice: one receipt tells it all', async t => {
  const ledger = await openLedger(freshDirectory(t))
  const { client, receipts, hq } = await stage(t, ledger)
  const chain = records(300)
  const batches = await Promise.all(
    [200, 0, 100, 200, 0].map(start =>
      batchOf(chain.slice(start, start + 100), STORE, chain[start - 1]?.hash ?? GENESIS),
    ),
  )
  const topic = TOPICS.journal(STORE)
  await Promise.all(batches.map(payload => client.publish({ topic, payload })))
  await until('all is committed', () => hq.status.receiver.batches === 5)
  await until('the receipt', () => {
    const [epoch] = receipts.at(-1)?.epochs ?? []
    return epoch?.upTo === 300 && epoch.missing.length === 0
  })
  t.match(hq.status.receiver, { stored: 300, repeated: 200 })
  t.equal((await soldIn(ledger)).length, 300)
  t.ok(
    receipts.every((receipt, index) => countOf(receipt) >= countOf(receipts[index - 1])),
    'rising',
  )
})

function countOf(receipt: Receipt | undefined): number {
  const [epoch] = receipt?.epochs ?? []
  const missing = epoch?.missing.reduce((sum, [first, last]) => sum + last - first + 1, 0) ?? 0
  return (epoch?.upTo ?? 0) - missing
}

t.test('what is not a batch of the store of its topic is refused and counted', async t => {
  const ledger = await openLedger(freshDirectory(t))
  const { client, receipts, hq } = await stage(t, ledger)
  const topic = TOPICS.journal(STORE)
  const good = await batchOf(records(2))
  const flipped = Buffer.from(good)
  flipped[flipped.length - 9] = (flipped[flipped.length - 9] ?? 0) ^ 1
  for (const payload of ['', 'no gzip', flipped, await batchOf(records(2), OTHER)])
    await client.publish({ topic, payload })
  await client.publish({ topic: TOPICS.hello(STORE), payload: '{"v":2}' })
  await client.publish({ topic: 'tb/NOT A STORE/up/journal', payload: good })
  await until('all are refused', () => hq.status.receiver.refused === 6)
  t.same(await ledger.rows(0, 10), [])
  t.same(receipts, [])
  await client.publish({ topic, payload: good })
  await until('the good one is taken', () => receipts.length === 1)
})

t.test(
  'a ledger that cannot write: no receipt; then it can, and the same batch is taken',
  async t => {
    const real = await openLedger(freshDirectory(t))
    let isFull = true
    const ledger = ledgerWith(real, {
      commit: batch =>
        isFull
          ? Promise.reject(new TillbridgeError('TB_LEDGER_WRITE', 'no space'))
          : real.commit(batch),
    })
    const { client, receipts, hq } = await stage(t, ledger)
    const payload = await batchOf(records(1))
    const topic = TOPICS.journal(STORE)
    await client.publish({ topic, payload })
    await until('it failed', () => hq.status.receiver.failed === 1)
    t.same(receipts, [])
    isFull = false
    await client.publish({ topic, payload })
    await until('the receipt', () => receipts.length === 1)
    t.match(receipts, [{ epochs: [{ upTo: 1 }] }])
  },
)

t.test('stop awaits the commits under way, and lets go what waits for a place', async t => {
  const real = await openLedger(freshDirectory(t))
  t.teardown(() => real.close())
  const commits: (() => void)[] = []
  const ledger = ledgerWith(real, {
    commit: async batch => {
      await new Promise<void>(resolve => commits.push(resolve))
      return real.commit(batch)
    },
  })
  const connection = new ScriptedConnection({ echoes: 'tb/hq/echo/#' })
  const hq = new HqServer({
    ledger,
    connection,
    topics: TOPICS,
    logger: silentLogger,
    clock: systemClock,
    random: systemRandom,
  })
  hq.start()
  connection.start()
  await until('it listens', () => hq.status.receiving === 'shared')
  const message = { topic: TOPICS.journal(STORE), payload: await batchOf(records(1)) }
  const heard = Array.from({ length: LIMITS.hqCommits + 5 }, () => connection.hear(message))
  await until('all places are taken', () => commits.length === LIMITS.hqCommits)
  const stopped = hq.stop()
  for (const commit of commits.splice(0)) commit()
  await Promise.all([stopped, ...heard])
  t.equal(hq.status.receiver.batches, LIMITS.hqCommits)
  t.equal(commits.length, 0, 'no commit began after the stop')
})

t.test('a broker that grants a shared subscription and never delivers: plain ones', async t => {
  const broker = await startMosquitto()
  t.teardown(() => broker.stop())
  const ledger = await openLedger(freshDirectory(t))
  const deaf = (connection: MqttConnection): MqttConnection => ({
    ...connectionWith(connection, message => connection.publish(message)),
    get state() {
      return connection.state
    },
    subscribe: (filter, handler, onRefused) =>
      filter.startsWith('$share/')
        ? () => undefined
        : connection.subscribe(filter, handler, onRefused),
  })
  const said: string[] = []
  const info = (details: object | string, text?: string): void => {
    said.push(text ?? String(details))
  }
  const logger = { ...silentLogger, info }
  const { hq } = openHq(t, { port: broker.port, ledger, flaw: deaf, logger })
  await until('it serves', () => hq.status.receiving === 'all')
  t.ok(said.some(text => /the broker does not share/.test(text)))
  const client = connectTo({ port: broker.port })
  t.teardown(() => client.stop(500))
  await online(client)
  await client.publish({ topic: TOPICS.journal(STORE), payload: await batchOf(records(3)) })
  await until('the batch is taken', () => hq.status.receiver.stored === 3)
})
