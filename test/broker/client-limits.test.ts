import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import t from 'tap'
import type { ClientLimits } from '../../gateway/broker/visitor.js'
import { systemClock } from '../../gateway/core/clock.js'
import { LIMITS } from '../../gateway/core/limits.js'
import { MqttTill } from '../support/mqtt-till.js'
import { until } from '../support/until.js'
import { CHEAP_HASH, saleEvent, startSelling, TILL, TOPIC } from './selling.js'

const LIMITS_OF_ONE: ClientLimits = {
  connections: 2,
  messagesPerSecond: 50,
  payloadBytes: 1000,
  subscriptions: 3,
  retainedTopics: 2,
}

/** Beside the till: a client that may do a lot, and does more. */
const BAD = { username: 'bad', password: TILL.password } as const
const APP = {
  username: BAD.username,
  passwordHash: CHEAP_HASH,
  rules: { read: ['app/#'], write: ['app/#'] },
}
const LIMITED = { ...APP, limits: LIMITS_OF_ONE }

t.test('connections: one more of the same client is refused; the till is not', async t => {
  const shop = await startSelling(t, { others: [LIMITED] })
  const open = async (clientId: string): Promise<number | undefined> =>
    (await MqttTill.over(shop.port)).introduce({ ...BAD, clientId })
  t.equal(await open('a'), 0)
  t.equal(await open('b'), 0)
  t.equal(await open('c'), 5)
  t.equal(shop.broker.turnedAway, 1)
  const till = await MqttTill.at(shop.port, TILL)
  till.close()
})

t.test('nobody takes the place of another by its client id', async t => {
  const shop = await startSelling(t, { others: [LIMITED] })
  const till = await MqttTill.at(shop.port, { ...TILL, clientId: 'same' })
  const thief = await MqttTill.at(shop.port, { ...BAD, clientId: 'same' })
  till.publish({ topic: TOPIC, payload: saleEvent(1) })
  await until('the till sells on', () => till.acknowledged.length === 1)
  t.notOk(thief.isClosed)
  const nameless = await MqttTill.over(shop.port)
  t.equal(await nameless.introduce({ ...BAD, clientId: '', isClean: false }), 2)
  t.equal(await (await MqttTill.over(shop.port)).introduce({ ...BAD, clientId: '' }), 0)
  for (const one of [till, thief]) one.close()
})

t.test('rate: who says more is read slower, loses nothing, and holds up nobody', async t => {
  const shop = await startSelling(t, { others: [LIMITED] })
  const loud = await MqttTill.at(shop.port, BAD)
  const till = await MqttTill.at(shop.port, TILL)
  let meanwhile = Infinity
  till.onAcknowledged = () => {
    meanwhile = loud.acknowledged.length
  }
  const startMs = systemClock.monotonicMs()
  const ids = Array.from({ length: 100 }, (_, index) => index + 1)
  for (const id of ids) loud.publish({ topic: 'app/x', payload: 'x', id })
  till.publish({ topic: TOPIC, payload: saleEvent(1) })
  await until('the till is answered', () => till.acknowledged.length === 1)
  t.ok(meanwhile < ids.length, 'while the other waits')
  await until('all are answered', () => loud.acknowledged.length === ids.length)
  t.ok(systemClock.monotonicMs() - startMs > 900, 'fifty at once, and fifty in a second')
  t.strictSame(loud.acknowledged, ids)
  for (const one of [till, loud]) one.close()
})

t.test('payload, retained topics and subscriptions have an end', async t => {
  const shop = await startSelling(t, { others: [LIMITED] })
  const large = await MqttTill.at(shop.port, BAD)
  large.publish({ topic: 'app/x', payload: 'x'.repeat(1001) })
  await until('it is cut', () => large.isClosed)
  t.strictSame(large.acknowledged, [])

  const keeper = await MqttTill.at(shop.port, BAD)
  for (const [index, topic] of ['app/1', 'app/2', 'app/1'].entries())
    keeper.publish({ topic, payload: 'x', retain: true, id: index + 1 })
  keeper.publish({ topic: 'app/2', payload: '', retain: true, id: 4 })
  keeper.publish({ topic: 'app/3', payload: 'x', retain: true, id: 5 })
  await until('all fit', () => keeper.acknowledged.length === 5)
  keeper.publish({ topic: 'app/4', payload: 'x', retain: true, id: 6 })
  await until('it is cut', () => keeper.isClosed)

  const reader = await MqttTill.at(shop.port, BAD)
  t.strictSame(await reader.subscribe('#', 'app/a', 'app/b', 'app/c', 'app/d'), [128, 0, 0, 0, 128])
  t.strictSame(await reader.subscribe('app/a'), [0], 'the same again is no more')
  reader.close()
})

t.test(
  'a subscriber that does not read, and one that publishes 20 MB: the till sells on',
  async t => {
    const shop = await startSelling(t, { others: [APP], drainMs: 300 })
    const slow = await MqttTill.at(shop.port, { ...BAD, clientId: 'slow' })
    await slow.subscribe('app/#')
    slow.pause()
    const till = await MqttTill.at(shop.port, TILL)
    const writer = await MqttTill.at(shop.port, { ...BAD, clientId: 'writer' })
    const took: number[] = []
    for (let round = 1; round <= 60; round += 1) {
      writer.publish({ topic: 'app/x', payload: Buffer.alloc(400_000), id: round })
      const startMs = systemClock.monotonicMs()
      till.publish({ topic: TOPIC, payload: saleEvent(round), id: round })
      await until('it is answered', () => till.acknowledged.length === round)
      took.push(systemClock.monotonicMs() - startMs)
    }
    t.comment(`slowest PUBACK ${Math.max(...took).toFixed(1)} ms`)
    await until('all of the writer is answered', () => writer.acknowledged.length === 60)
    const oversize = await MqttTill.at(shop.port, { ...BAD, clientId: 'oversize' })
    oversize.publish({ topic: 'app/x', payload: Buffer.alloc(20_000_000) })
    await until('it is cut at its header', () => oversize.isClosed)
    slow.resume()
    await until('the slow one is cut', () => slow.isClosed)
    t.ok(slow.told.length < 60)
    for (const one of [till, writer]) one.close()
  },
)

t.test('a flood of connections that say nothing: it pushes out its own', async t => {
  const shop = await startSelling(t)
  const till = await MqttTill.at(shop.port, TILL)
  const flood: Socket[] = []
  for (let number = 0; number < 3 * LIMITS.brokerWaiting; number += 1) {
    const socket = connectTcp({ port: shop.port, host: '127.0.0.1', localAddress: '127.0.0.2' })
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    flood.push(socket)
  }
  const newcomer = await MqttTill.over(shop.port, '127.0.0.3')
  till.publish({ topic: TOPIC, payload: saleEvent(1) })
  await until('the till sells on', () => till.acknowledged.length === 1)
  t.equal(await newcomer.introduce({ ...TILL, clientId: 'again' }), 0, 'and others come in')
  t.ok(shop.broker.turnedAway >= 2 * LIMITS.brokerWaiting, `${shop.broker.turnedAway} turned away`)
  for (const socket of flood) socket.destroy()
  newcomer.close()
})
