import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import t, { type Test } from 'tap'
import { FULL_ACCESS, storeAccess } from '../../gateway/broker/access-rules.js'
import { LocalBroker, type LocalBrokerOptions } from '../../gateway/broker/local-broker.js'
import { type Clock, systemClock } from '../../gateway/core/clock.js'
import { storeId } from '../../gateway/core/ids.js'
import { LIMITS } from '../../gateway/core/limits.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import { hashPassword } from '../../gateway/security/password.js'
import { online, reasonOf } from '../contract/mqtt-connection.js'
import { connectTo } from '../support/mqtt.js'
import { until } from '../support/until.js'

const store = storeId('store-1')
const rules = storeAccess({ root: 'tb', store, mode: 'ledger' })

const DRAIN_MS = 1234

async function started(t: Test, options: Partial<LocalBrokerOptions> = {}) {
  const broker = new LocalBroker({
    id: 'test',
    listen: { host: '127.0.0.1', port: 0 },
    clients: [],
    anonymous: FULL_ACCESS,
    logger: silentLogger,
    random: systemRandom,
    ...options,
  })
  await broker.start()
  t.teardown(() => broker.stop())
  return { broker, port: broker.address?.port ?? 0 }
}

t.test('credentials: the right ones enter, nobody else does', async t => {
  const passwordHash = await hashPassword('right', systemRandom)
  const broker = new LocalBroker({
    id: 'test',
    listen: { host: '127.0.0.1', port: 0 },
    clients: [{ username: store, passwordHash, rules }],
    logger: silentLogger,
    random: systemRandom,
  })
  await broker.start()
  const port = broker.address?.port ?? 0
  // It has less patience than a hash takes: what it proved in one attempt counts in the next.
  const good = connectTo({ port, username: store, password: 'right', connectMs: 50 })
  await online(good)
  for (const claim of [
    { username: store, password: 'wrong' },
    { username: 'other', password: 'right' },
    {},
  ]) {
    const bad = connectTo({ port, ...claim, connectMs: 8000 })
    bad.start()
    await until('it is refused', () => /refused/.test(reasonOf(bad)))
    t.match(bad.state, { type: 'connecting', code: 'TB_MQTT_REFUSED' }, reasonOf(bad))
    await bad.stop(500)
  }
  await good.stop(500)
  await broker.stop()
  t.equal(broker.address, undefined)
})

t.test('access rules: a forbidden filter is refused, a forbidden publish cut off', async t => {
  const { port } = await started(t, { anonymous: rules })
  const nosy = connectTo({ port })
  nosy.subscribe('tb/+/down/#', () => undefined)
  nosy.start()
  await until('the reason', () => reasonOf(nosy) === 'may not read tb/+/down/#')
  t.match(nosy.state, { code: 'TB_MQTT_DENIED' })
  await nosy.stop(500)

  const liar = connectTo({ port })
  await online(liar)
  await liar.publish({ topic: `tb/${store}/up/status`, payload: 'fine' })
  await t.rejects(liar.publish({ topic: 'tb/store-2/up/status', payload: 'x' }), {
    code: 'TB_MQTT_CLOSED',
  })
  await liar.stop(500)
})

t.test(
  'what the gateway publishes reaches subscribers; retained reaches the late ones',
  async t => {
    const { broker, port } = await started(t)
    await broker.publish({ topic: 'shop/status', payload: 'open', retain: true })
    const listener = connectTo({ port })
    const heard: string[] = []
    listener.subscribe('shop/#', ({ payload }) => void heard.push(Buffer.from(payload).toString()))
    await online(listener)
    await broker.publish({ topic: 'shop/sale', payload: 'apple' })
    await until('both', () => heard.length === 2)
    t.same(heard.sort(), ['apple', 'open'])
    await listener.stop(500)
  },
)

t.test('a packet beyond the limit ends the connection at its header', async t => {
  const { port } = await started(t)
  const socket = connectTcp(port, '127.0.0.1')
  await once(socket, 'connect')
  // CONNECT whose remaining length says 100 MB; none of it is ever sent.
  socket.write(Uint8Array.of(0x10, 0x80, 0xc2, 0xd7, 0x2f))
  await once(socket, 'close')
  t.pass('closed')

  const sender = connectTo({ port })
  await online(sender)
  await sender.publish({ topic: 'a', payload: Buffer.alloc(LIMITS.mqttPacketBytes - 11) })
  await sender.stop(500)
})

/** Of what a socket was given, its time to drain is over when the test says so. */
function drainClock() {
  const waiting = new Set<() => void>()
  const clock: Clock = {
    ...systemClock,
    after: (ms, run) => {
      if (ms !== DRAIN_MS) return systemClock.after(ms, run)
      waiting.add(run)
      return () => waiting.delete(run)
    },
  }
  const pass = (): void => {
    for (const run of waiting) run()
  }
  return { clock, pass }
}

t.test('a subscriber that stops reading is cut, and the others go on', async t => {
  const { clock, pass } = drainClock()
  const { broker, port } = await started(t, { drainMs: DRAIN_MS, clock })
  const slow = connectTcp(port, '127.0.0.1')
  // CONNECT, clean session, client id "s"; SUBSCRIBE to "#" with QoS 0 (MQTT 3.1.1 §3.1, §3.8).
  slow.write(Buffer.from('100d00044d5154540402003c000173', 'hex'))
  slow.write(Buffer.from('820600010001 2300'.replace(' ', ''), 'hex'))
  await once(slow, 'readable')
  slow.pause()
  let isCut = false
  slow.on('error', () => undefined)
  slow.on('close', () => {
    isCut = true
  })
  const healthy = connectTo({ port })
  let heard = 0
  healthy.subscribe('x', () => {
    heard += 1
  })
  await online(healthy)
  const payload = Buffer.alloc(100_000)
  const published: Promise<void>[] = []
  for (let n = 0; n < 300; n += 1) published.push(broker.publish({ topic: 'x', payload }))
  await until('the healthy one heard everything', () => heard === 300)
  pass()
  await Promise.all(published)
  slow.resume()
  await until('the slow one is cut', () => isCut)
  t.equal(heard, 300)
  await healthy.stop(500)
})

t.test('who connects and says nothing is cut; who says CONNECT stays', async t => {
  const { port } = await started(t, { connectMs: 200 })
  const polite = connectTo({ port })
  await online(polite)
  const silent = connectTcp(port, '127.0.0.1')
  // Half a CONNECT, and then never another byte.
  silent.write(Buffer.from('100d00044d51', 'hex'))
  await once(silent, 'close')
  await polite.publish({ topic: 'a', payload: 'x' })
  t.match(polite.state, { type: 'online', session: 1 })
  await polite.stop(500)
})

t.test('more clients than allowed are turned away', async t => {
  const { port } = await started(t, { maxConnections: 1 })
  const first = connectTo({ port })
  await online(first)
  const second = connectTo({ port })
  second.start()
  await until('it is turned away', () => reasonOf(second) !== '')
  await first.stop(500)
  await online(second)
  await second.stop(500)
  t.pass('and let in when there is room')
})

t.test('an address in use is named', async t => {
  const { port } = await started(t)
  const other = new LocalBroker({
    id: 'other',
    listen: { host: '127.0.0.1', port },
    clients: [],
    logger: silentLogger,
    random: systemRandom,
  })
  await t.rejects(other.start(), { code: 'TB_BROKER_LISTEN', message: /EADDRINUSE/ })
  await other.stop()
})
