import t, { type Test } from 'tap'
import { TillbridgeError } from '../../gateway/core/errors.js'
import { storeId, terminalId } from '../../gateway/core/ids.js'
import { seededRandom } from '../../gateway/core/random.js'
import type { Ledger } from '../../gateway/hq/ledger.js'
import { rowKey } from '../../gateway/hq/ledger-keys.js'
import { openLedgerDatabase } from '../../gateway/hq/level-ledger.js'
import type { MqttConnection } from '../../gateway/mqtt/connection.js'
import { closedError } from '../../gateway/mqtt/failure.js'
import { online } from '../contract/mqtt-connection.js'
import { batchOf, makeEpoch } from '../support/chain.js'
import { connectionWith } from '../support/connection-with.js'
import { errorLog } from '../support/error-log.js'
import { ledgerWith } from '../support/ledger-with.js'
import { startMosquitto } from '../support/mosquitto.js'
import { connectTo } from '../support/mqtt.js'
import { sale, TILL } from '../support/sample.js'
import { freshDirectory, openHq, openLedger, receiptNumberOf, upTo } from '../support/shop.js'
import { until } from '../support/until.js'
import { ledgerOver } from './open.js'

const TILL_2 = terminalId('till-2')
const STORES = ['store-001', 'store-002', 'store-003'].map(storeId)
const ALL = ['allow_anonymous true']

async function startBroker(t: Test, acl?: string, port?: number) {
  const rules =
    acl === undefined ? { config: ALL } : { config: [...ALL, 'acl_file $DIR/acl'], files: { acl } }
  const broker = await startMosquitto({ ...rules, ...(port === undefined ? {} : { port }) })
  t.teardown(() => broker.stop())
  return broker
}

/** Commits sales with these numbers as a store's first epoch. */
async function commit(
  ledger: Ledger,
  sold: {
    readonly numbers: readonly number[]
    readonly store?: number
    readonly terminal?: string
  },
): Promise<void> {
  const { numbers, store: index = 0, terminal = TILL } = sold
  const store = STORES[index] ?? STORES[0]
  if (store === undefined) throw new Error('no store')
  const events = numbers.map(number => sale({ number, terminal: terminalId(terminal) }))
  const epoch = makeEpoch({ random: seededRandom(index), store, events })
  const sales = { ...epoch, records: epoch.records }
  await ledger.commit(batchOf(sales, { first: 1, last: numbers.length + 1, store }))
}

/** Receipt numbers on the events topics, in the order in which they come. */
async function listen(t: Test, port: number): Promise<number[]> {
  const listener = connectTo({ port })
  t.teardown(() => listener.stop(500))
  const heard: number[] = []
  listener.subscribe('tb/+/events/+/sale.completed', ({ payload }) => {
    heard.push(receiptNumberOf(payload))
  })
  await online(listener)
  return heard
}

async function isEmpty(ledger: Ledger): Promise<boolean> {
  const rows = await ledger.outbox(1).catch(() => [undefined])
  return rows.length === 0
}

t.test('in the order of commit; what could not be noted is not published again', async t => {
  const { port } = await startBroker(t)
  const real = await openLedger(freshDirectory(t))
  let failures = 2
  const ledger = ledgerWith(real, {
    fannedOut: async (position, refused) => {
      failures -= 1
      if (failures >= 0) throw new TillbridgeError('TB_LEDGER_WRITE', 'no space')
      await real.fannedOut(position, refused)
    },
  })
  const heard = await listen(t, port)
  openHq(t, { port, ledger })
  await commit(ledger, { numbers: upTo(50) })
  await until('the outbox is empty', () => isEmpty(real))
  await until('all is heard', () => heard.length >= 50)
  t.same(heard, upTo(50))
})

t.test('a damaged row and a forbidden topic hold up nothing behind them', async t => {
  const database = await openLedgerDatabase(freshDirectory(t))
  const ledger = await ledgerOver(database)
  const acl =
    'topic read tb/#\ntopic write tb/+/events/till-1/sale.completed\n' +
    'topic write tb/+/events/gateway/+\ntopic write tb/hq/#\n'
  const broker = await startBroker(t, acl)
  await commit(ledger, { numbers: upTo(5) })
  await commit(ledger, { numbers: [77, 78], store: 1, terminal: TILL_2 })
  await commit(ledger, { numbers: upTo(7), store: 2 })
  await database.batch([{ type: 'put', key: rowKey(4), value: Buffer.from('x') }], { sync: true })
  const heard = await listen(t, broker.port)
  const { logger, errors } = errorLog()
  const taken: number[] = []
  const flaw = (connection: MqttConnection): MqttConnection =>
    connectionWith(connection, async message => {
      await connection.publish(message)
      taken.push(receiptNumberOf(Buffer.from(message.payload)))
    })
  const { hq } = openHq(t, { port: broker.port, ledger, logger, flaw })
  await until('the outbox is empty', () => isEmpty(ledger))
  await until('all is heard', () => heard.length >= 11)
  t.same(heard, [1, 2, 4, 5, 1, 2, 3, 4, 5, 6, 7])
  const topic = `tb/store-002/events/${TILL_2}/sale.completed`
  t.match(hq.status.fanOut, { role: 'leader', shelved: 2, refused: [{ topic, reason: /135/ }] })
  const said = errors.filter(text => /refuses an events topic/.test(text))
  t.equal(said.length, 1, 'said once')
  await commit(ledger, { numbers: [79], store: 1, terminal: TILL_2 })
  await until('behind its kind', async () => (await ledger.shelf(0, 9)).length === 2 + 1)

  await broker.stop()
  await startBroker(t, undefined, broker.port)
  await until('the broker lets it: the shelf is empty', async () => {
    return (await ledger.shelf(0, 9)).length === 0
  })
  t.same(
    taken.filter(number => number >= 77),
    [77, 78, 79],
    'in their order',
  )
  await until('and the status clear', () => hq.status.fanOut.refused.length === 0)
  t.equal(hq.status.fanOut.shelved, 0)
})

/** A broker that leaves some publishes unanswered: the connection goes with them. */
function leavingOpen(isMute: (number: number) => boolean) {
  const tries = new Map<number, number>()
  const flaw = (connection: MqttConnection): MqttConnection =>
    connectionWith(connection, async message => {
      const number = receiptNumberOf(Buffer.from(message.payload))
      if (Number.isNaN(number)) return connection.publish(message)
      tries.set(number, (tries.get(number) ?? 0) + 1)
      if (isMute(number)) throw closedError('no answer to PUBLISH in 20000 ms')
      return connection.publish(message)
    })
  return { tries, flaw }
}

t.test('one event without PUBACK repeats itself alone', async t => {
  const { port } = await startBroker(t)
  const ledger = await openLedger(freshDirectory(t))
  const { tries, flaw } = leavingOpen(number => number === 30 && (tries.get(30) ?? 0) < 3)
  openHq(t, { port, ledger, flaw })
  await commit(ledger, { numbers: upTo(100) })
  await until(
    'what is before it is noted',
    async () => (await ledger.outbox(1))[0]?.position === 31,
  )
  await until('the outbox is empty', () => isEmpty(ledger))
  const others = [...tries].filter(([, count]) => count > 1)
  t.same(others, [[30, 3]])
  t.equal(tries.size, 100)
})

t.test('an event that is never answered is shelved, and the next go out', async t => {
  const { port } = await startBroker(t)
  const ledger = await openLedger(freshDirectory(t))
  const { tries, flaw } = leavingOpen(number => number === 2)
  const { logger, errors } = errorLog()
  openHq(t, { port, ledger, flaw, logger })
  await commit(ledger, { numbers: upTo(9) })
  await until('the outbox is empty', () => isEmpty(ledger))
  t.match(await ledger.shelf(0, 9), [{ header: { seq: 3 } }])
  t.ok(errors.includes('an event the broker does not take: held'))
  t.match([...tries.values()], [1, tries.get(2), 1, 1])
})

t.test('3.1.1: a forbidden publish is acknowledged, so HQ must hear itself first', async t => {
  const acl = 'topic read tb/#\ntopic write tb/hq/echo/#\ntopic write tb/+/down/#\n'
  const broker = await startBroker(t, acl)
  const ledger = await openLedger(freshDirectory(t))
  await commit(ledger, { numbers: upTo(3) })
  const { logger, errors } = errorLog()
  const { hq } = openHq(t, { port: broker.port, ledger, logger, protocol: '3.1.1' })
  await until('it says so', () => hq.status.fanOut.held !== undefined)
  t.match(hq.status.fanOut.held, /tb\/hq\/events\/gateway\/probe: silence/)
  t.same(errors, ['the fan-out is held up'])
  t.equal((await ledger.outbox(9)).length, 4, 'nothing has left the outbox')
  await broker.stop()
  await startBroker(t, undefined, broker.port)
  const heard = await listen(t, broker.port)
  await until('the outbox is empty', () => isEmpty(ledger))
  await until('all is heard', () => heard.length >= 3)
  t.same(heard, upTo(3))
  await until('it is held no more', () => hq.status.fanOut.held === undefined)
})

t.test('one server leads; when it ends, another does', async t => {
  const { port } = await startBroker(t)
  const ledger = await openLedger(freshDirectory(t))
  const heard = await listen(t, port)
  const servers = [1, 2].map(() => openHq(t, { port, ledger }))
  const roles = (): readonly string[] => servers.map(({ hq }) => hq.status.fanOut.role).sort()
  await until('one leads', () => roles().join() === 'follower,leader')
  await commit(ledger, { numbers: upTo(20) })
  await until('it publishes', () => heard.length === 20)
  await servers.find(({ hq }) => hq.status.fanOut.role === 'leader')?.close()
  await commit(ledger, { numbers: upTo(20), store: 1 })
  await until('the other publishes', () => heard.length === 40)
  t.same(heard, [...upTo(20), ...upTo(20)])
})
