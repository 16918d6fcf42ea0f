import { once } from 'node:events'
import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net'
import t from 'tap'
import { type Clock, systemClock } from '../../gateway/core/clock.js'
import { LIMITS } from '../../gateway/core/limits.js'
import { systemRandom } from '../../gateway/core/random.js'
import type { MqttConnection } from '../../gateway/mqtt/connection.js'
import { failureOfSocket } from '../../gateway/mqtt/failure.js'
import { MqttSession } from '../../gateway/mqtt/mqtt-session.js'
import { openLinkFault } from '../../gateway/simulator/link-fault.js'
import { online, reasonOf } from '../contract/mqtt-connection.js'
import { makeAuthority } from '../support/certificates.js'
import { findPuback, LinkTrap } from '../support/link-trap.js'
import { freePort, startMosquitto } from '../support/mosquitto.js'
import { connectTo, HASTE_MS } from '../support/mqtt.js'
import { until } from '../support/until.js'

function sessionOf({ state }: MqttConnection): number {
  return state.type === 'online' ? state.session : 0
}

/** What else would notice a dead link, had keepalive not. */
const PUBACK_MS = 60_000

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return address !== null && typeof address !== 'string' ? address.port : 0
}

t.test('Receive Maximum: no more is in flight than the broker allows', async t => {
  // Says CONNACK with Receive Maximum 5 (MQTT 5 §3.2.2.3.3) and then never acknowledges anything.
  let received = Buffer.alloc(0)
  const server = createServer(socket => {
    socket.once('data', () => socket.write(Buffer.from('2006000003210005', 'hex')))
    socket.on('data', bytes => {
      received = Buffer.concat([received, bytes])
    })
    socket.on('error', () => undefined)
  })
  const port = await listening(server)
  const connection = connectTo({ port, pubackMs: HASTE_MS })
  await online(connection)
  t.match(connection.state, { type: 'online', window: 5 })
  const messages = Array.from({ length: 50 }, (_, n) => ({ topic: 't', payload: `<message ${n}>` }))
  const published = messages.map(message => connection.publish(message))
  await Promise.allSettled(published)
  t.equal(received.toString('latin1').match(/<message/g)?.length, 5)
  await connection.stop(200)
  server.close()
})

t.test('Receive Maximum of a real broker: all gets through, five at a time', async t => {
  const config = ['allow_anonymous true', 'max_inflight_messages 5']
  const broker = await startMosquitto({ config })
  const connection = connectTo({ port: broker.port })
  await online(connection)
  t.match(connection.state, { type: 'online', window: 5 })
  const payloads = Array.from({ length: 500 }, (_, n) => `${n}`)
  await Promise.all(payloads.map(payload => connection.publish({ topic: 't', payload })))
  await connection.stop(1000)
  await broker.stop()
})

t.test('Maximum Packet Size: what is larger is refused here, and the connection lives', async t => {
  const config = ['allow_anonymous true', 'max_packet_size 2000']
  const broker = await startMosquitto({ config })
  const connection = connectTo({ port: broker.port })
  await online(connection)
  t.match(connection.state, { session: 1, packetBytes: 2000 })
  await t.rejects(connection.publish({ topic: 't', payload: Buffer.alloc(2000) }), {
    code: 'TB_MQTT_TOO_LARGE',
    message: 't: 2011 bytes, the broker takes 2000',
  })
  await connection.publish({ topic: 't', payload: Buffer.alloc(1989) })
  t.match(connection.state, { session: 1 })
  await connection.stop(1000)
  await broker.stop()
})

t.test('a packet beyond our limit ends the connection at its header', async t => {
  // CONNACK of 3.1.1, then a PUBLISH whose remaining length says 100 MB; none of it ever comes.
  const answer = Buffer.from('200200003080c2d72f', 'hex')
  const server = createServer(socket => {
    socket.once('data', () => socket.write(answer))
    socket.on('error', () => undefined)
  })
  const connection = connectTo({ port: await listening(server), protocol: '3.1.1' })
  connection.start()
  await until('the reason', () => /packet that is too-large/.test(reasonOf(connection)))
  t.match(connection.state, { type: 'connecting', code: 'TB_MQTT_UNREACHABLE' })
  await connection.stop(200)
  server.close()
})

t.test('a publish at the very end of a session is rejected, not forgotten', async t => {
  const server = createServer(socket => {
    socket.once('data', () => socket.write(Buffer.from('20020000', 'hex')))
    socket.on('error', () => undefined)
  })
  const port = await listening(server)
  const socket = connectTcp(port, '127.0.0.1')
  let published: Promise<void> | undefined
  // Stands before the session's own listener: a place in the window is given, then all is over.
  socket.on('close', () => {
    published = session.publish({ topic: 't', payload: 'x' })
  })
  const session = new MqttSession({
    address: { host: '127.0.0.1', port, clientId: 'test' },
    protocol: '3.1.1',
    patience: { connectMs: 300, pubackMs: 60_000, keepaliveSeconds: 15 },
    clock: systemClock,
    deliver: async () => undefined,
    socket,
  })
  t.match(await session.connected(), { ok: true })
  socket.destroy()
  await session.closed
  await t.rejects(published ?? Promise.resolve(), { code: 'TB_MQTT_CLOSED' })
  server.close()
})

t.test('a forbidden publish: a reason code on MQTT 5, an ordinary PUBACK on 3.1.1', async t => {
  const broker = await startMosquitto({
    config: ['allow_anonymous true', 'acl_file $DIR/acl'],
    files: { acl: 'topic readwrite allowed/#\n' },
  })
  const modern = connectTo({ port: broker.port })
  await online(modern)
  await modern.publish({ topic: 'allowed/x', payload: 'x' })
  await t.rejects(modern.publish({ topic: 'other', payload: 'x' }), {
    code: 'TB_MQTT_DENIED',
    message: /135/,
  })
  const old = connectTo({ port: broker.port, protocol: '3.1.1' })
  await online(old)
  t.match(old.state, { protocol: '3.1.1', window: LIMITS.mqttInFlight })
  await t.resolves(old.publish({ topic: 'other', payload: 'x' }))
  await Promise.all([modern.stop(1000), old.stop(1000)])
  await broker.stop()
})

t.test('the will is published when the link dies, not after a farewell', async t => {
  const broker = await startMosquitto()
  const listener = connectTo({ port: broker.port })
  const wills: string[] = []
  listener.subscribe('will/#', ({ topic }) => void wills.push(topic))
  await online(listener)
  const [polite, rude] = ['polite', 'rude'].map(name =>
    connectTo({ port: broker.port, clientId: name, will: { topic: `will/${name}`, payload: '' } }),
  )
  if (polite === undefined || rude === undefined) throw new Error('two of two')
  await Promise.all([online(polite), online(rude)])
  await polite.stop(1000)
  // A second client of the same id takes the first one's session over.
  const taker = connectTo({ port: broker.port, clientId: 'rude' })
  await online(taker)
  await until('the will', () => wills.length > 0)
  t.same(wills, ['will/rude'])
  await Promise.all([rude.stop(1000), taker.stop(1000), listener.stop(1000)])
  await broker.stop()
})

t.test('TLS: the right authority, host name and certificate, and what each fault says', async t => {
  const [authority, stranger] = [makeAuthority(), makeAuthority()]
  const server = authority.issue({ name: 'hq.example', host: '127.0.0.1' })
  const broker = await startMosquitto({
    config: [
      'cafile $DIR/ca.pem',
      'certfile $DIR/cert.pem',
      'keyfile $DIR/key.pem',
      'require_certificate true',
      'use_identity_as_username true',
    ],
    files: { 'ca.pem': authority.ca, 'cert.pem': server.cert, 'key.pem': server.key },
  })
  const { port } = broker
  const own = authority.issue({ name: 'store-1' })
  const good = connectTo({ port, tls: { ca: authority.ca, ...own } })
  await online(good)
  await good.stop(1000)
  const faults = [
    { tls: { ca: stranger.ca, ...own }, reason: /did not sign|self-signed/, code: 'TB_MQTT_TLS' },
    {
      tls: { ca: authority.ca, ...own, serverName: 'other.example' },
      reason: /another host name/,
      code: 'TB_MQTT_TLS',
    },
    { tls: { ca: authority.ca }, reason: /wants a client certificate/, code: 'TB_MQTT_TLS' },
  ]
  for (const { tls, reason, code } of faults) {
    const bad = connectTo({ port, tls })
    bad.start()
    await until('the reason', () => reason.test(reasonOf(bad)))
    t.match(bad.state, { type: 'connecting', code }, reasonOf(bad))
    await bad.stop(200)
  }
  await broker.stop()
})

t.test(
  'a certificate of the future: the clock is behind, and the reason says its time',
  async t => {
    const clock = { ...systemClock, wallMs: () => 0 }
    const error = Object.assign(new Error('x'), { code: 'CERT_NOT_YET_VALID' })
    t.match(failureOfSocket(error, clock), {
      code: 'TB_MQTT_TLS',
      reason: /not yet valid.*1970-01-01T00:00:00/,
    })
  },
)

t.test('nothing listens, or something else does', async t => {
  const nobody = connectTo({ port: await freePort() })
  nobody.start()
  await until('the reason', () => reasonOf(nobody) !== '')
  t.match(nobody.state, { code: 'TB_MQTT_UNREACHABLE', reason: /nothing listens there/ })
  await nobody.stop(200)

  const server = createServer(socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  const port = await listening(server)
  const other = connectTo({ port })
  other.start()
  await until('the reason', () => reasonOf(other) !== '')
  t.match(other.state, { type: 'connecting' }, reasonOf(other))
  await other.stop(200)
  server.close()
})

t.test('stop gives the socket back, though the other end answers no farewell', async t => {
  const peers: Socket[] = []
  const server = createServer({ allowHalfOpen: true }, socket => {
    peers.push(socket)
    socket.once('data', () => socket.write(Buffer.from('2003000000', 'hex')))
    socket.on('error', () => undefined)
  })
  const port = await listening(server)
  const connection = connectTo({ port })
  await online(connection)
  await connection.stop(50)
  t.same(connection.state, { type: 'stopped' })
  // A socket that only said FIN would take these; one that is closed resets the connection.
  await until('the socket is gone', () =>
    peers.every(peer => {
      peer.write(Buffer.from('d000', 'hex'))
      return peer.destroyed
    }),
  )
  t.equal(peers.length, 1)
  server.close()
})

t.test('reset within a PUBACK: what was not answered whole is rejected', async t => {
  const broker = await startMosquitto()
  const trap = new LinkTrap(findPuback)
  const link = await openLinkFault({ target: broker.port, watch: trap.watch })
  const connection = connectTo({ port: link.port, pubackMs: PUBACK_MS })
  for (const keep of [0, 1, 2, 3]) {
    await online(connection)
    await connection.publish({ topic: 'a', payload: 'answered' })
    trap.set('back', keep)
    await t.rejects(connection.publish({ topic: 'a', payload: `${keep} bytes of it` }), {
      code: 'TB_MQTT_CLOSED',
    })
  }
  t.equal(trap.sprung, 4)
  await online(connection)
  await connection.stop(1000)
  await link.close()
  await broker.stop()
})

for (const dead of ['there', 'back'] as const)
  t.test(`half open ${dead}: keepalive alone notices, and a new connection works`, async t => {
    const broker = await startMosquitto()
    const link = await openLinkFault({ target: broker.port })
    const connection = connectTo({ port: link.port, keepaliveSeconds: 1, pubackMs: PUBACK_MS })
    const heard: string[] = []
    connection.subscribe('a', ({ payload }) => void heard.push(Buffer.from(payload).toString()))
    const reasons: string[] = []
    connection.onState(() => reasons.push(reasonOf(connection)))
    await online(connection)
    const fromMs = performance.now()
    const before = sessionOf(connection)
    link.halfOpen(dead)
    await until('it is noticed', () => connection.state.type === 'connecting')
    const tookMs = performance.now() - fromMs
    t.ok(tookMs < PUBACK_MS / 2, `it took ${tookMs} ms`)
    await until('a new one', () => connection.state.type === 'online')
    t.ok(reasons.includes('Keepalive timeout'), reasons.join())
    t.equal(sessionOf(connection), before + 1)
    const other = connectTo({ port: broker.port })
    await online(other)
    await other.publish({ topic: 'a', payload: 'x' })
    await until('it hears again', () => heard.length === 1)
    await Promise.all([connection.stop(1000), other.stop(1000)])
    await link.close()
    await broker.stop()
  })

t.test('a stream of deliveries does not hide that what we say is lost', async t => {
  const broker = await startMosquitto()
  const link = await openLinkFault({ target: broker.port })
  const connection = connectTo({ port: link.port, keepaliveSeconds: 1, pubackMs: PUBACK_MS })
  connection.subscribe('a', () => undefined)
  await online(connection)
  const other = connectTo({ port: broker.port })
  await online(other)
  link.halfOpen('there')
  const fromMs = performance.now()
  await until('it is noticed', async () => {
    await other.publish({ topic: 'a', payload: 'x' })
    return connection.state.type === 'connecting'
  })
  t.ok(performance.now() - fromMs < PUBACK_MS / 2)
  await Promise.all([connection.stop(1000), other.stop(1000)])
  await link.close()
  await broker.stop()
})

t.test(
  'back-off grows while connections die young, and starts over after a settled one',
  async t => {
    const broker = await startMosquitto()
    const link = await openLinkFault({ target: broker.port })
    const waits: number[] = []
    let aheadMs = 0
    const clock: Clock = {
      ...systemClock,
      monotonicMs: () => systemClock.monotonicMs() + aheadMs,
      sleep: async ms => void waits.push(ms),
    }
    const random = { ...systemRandom, unit: () => 1 }
    const connection = connectTo({ port: link.port, clock, random })
    for (let session = 1; session <= 6; session += 1) {
      await online(connection)
      if (session === 6) aheadMs += 10_000
      link.cut()
      await until('it is noticed', () => waits.length === session)
    }
    t.same(waits, [20, 40, 80, 100, 100, 20])
    await online(connection)
    await connection.stop(1000)
    await link.close()
    await broker.stop()
  },
)
