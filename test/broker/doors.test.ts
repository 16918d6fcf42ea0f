import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import { createWebSocketStream, WebSocket } from 'ws'
import { LocalBroker, type LocalBrokerOptions } from '../../gateway/broker/local-broker.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import { type Issued, makeAuthority } from '../support/certificates.js'
import { MqttTill } from '../support/mqtt-till.js'
import { until } from '../support/until.js'
import { CHEAP_HASH, TILL } from './selling.js'

const ANY_PORT = { host: '127.0.0.1', port: 0 }
const RULES = { read: ['#'], write: ['#'] }
const shop = makeAuthority()
const other = makeAuthority()
const server = shop.issue({ name: 'broker', host: '127.0.0.1' })

async function open(t: Test, options: Partial<LocalBrokerOptions> = {}) {
  const broker = new LocalBroker({
    id: 'shop',
    listen: (['mqtt', 'mqtts', 'ws', 'wss'] as const).map(protocol => ({ protocol, ...ANY_PORT })),
    tls: { ...server, clientCa: shop.ca },
    clients: [
      { username: TILL.username, passwordHash: CHEAP_HASH, rules: RULES },
      { username: 'display-1', rules: RULES },
    ],
    logger: silentLogger,
    random: systemRandom,
    ...options,
  })
  await broker.start()
  t.teardown(() => broker.stop())
  const [plain = 0, secure = 0, web = 0, secureWeb = 0] = broker.addresses.map(({ port }) => port)
  return { broker, plain, secure, web, secureWeb }
}

async function overTls(port: number, own?: Issued): Promise<MqttTill> {
  const socket = connectTls({ port, host: '127.0.0.1', ca: shop.ca, ...own })
  await once(socket, 'secureConnect')
  return new MqttTill(socket)
}

async function overWeb(url: string, own?: Issued): Promise<MqttTill> {
  const socket = new WebSocket(url, ['mqtt'], { ca: shop.ca, ...own })
  await once(socket, 'open')
  return new MqttTill(createWebSocketStream(socket))
}

t.test('the same client at every door', async t => {
  const { plain, secure, web, secureWeb } = await open(t)
  const clients = [
    await MqttTill.over(plain),
    await overTls(secure),
    await overWeb(`ws://127.0.0.1:${web}`),
    await overWeb(`wss://127.0.0.1:${secureWeb}`),
  ]
  for (const [index, client] of clients.entries()) {
    t.equal(await client.introduce({ ...TILL, clientId: `c${index}` }), 0)
    await client.subscribe('news')
  }
  clients[3]?.publish({ topic: 'news', payload: 'x'.repeat(70_000) })
  await until('all heard it', () => clients.every(client => client.told.length === 1))
  for (const client of clients) client.close()
})

t.test('a certificate in its name is a credential, and only where no password is', async t => {
  const { secure, secureWeb, plain } = await open(t)
  const display = shop.issue({ name: 'display-1' })
  const good = await overTls(secure, display)
  t.equal(await good.introduce({}), 0)
  const web = await overWeb(`wss://127.0.0.1:${secureWeb}`, display)
  t.equal(await web.introduce({ username: 'display-1', clientId: 'web' }), 0)
  for (const [why, client, said] of [
    ['of another authority', await overTls(secure, other.issue({ name: 'display-1' })), {}],
    ['in a name nobody has', await overTls(secure, shop.issue({ name: 'display-2' })), {}],
    ['for another client', await overTls(secure, display), { username: TILL.username }],
    ['a password is asked for', await overTls(secure, shop.issue({ name: TILL.username })), {}],
    ['none', await overTls(secure), { username: 'display-1', password: '' }],
    ['none, in clear', await MqttTill.over(plain), { username: 'display-1', password: 'x' }],
  ] as const)
    t.ok([4, 5].includes((await client.introduce(said)) ?? 0), why)
  good.close()
  web.close()
})

t.test('who does not finish its handshake is cut, and others come in', async t => {
  const { secure, web } = await open(t, { connectMs: 1000 })
  const isCut = [secure, web].map(async port => {
    const silent = connectTcp(port, '127.0.0.1')
    silent.on('error', () => undefined)
    await once(silent, 'connect')
    silent.write(port === web ? 'GET / HT' : Buffer.of(0x16, 3))
    silent.resume()
    await once(silent, 'close')
  })
  await Promise.all(isCut)
  const page = await fetch(`http://127.0.0.1:${web}/`)
  t.equal(page.status, 426, 'it serves no pages')
  const client = await overWeb(`ws://127.0.0.1:${web}`)
  t.equal(await client.introduce(TILL), 0)
  client.close()
})

t.test('a certificate that cannot be used, or none, is named', async t => {
  const secret = shop.issue({ name: 'another' })
  const listen = { protocol: 'mqtts', ...ANY_PORT } as const
  const common = { id: 'x', listen, clients: [], logger: silentLogger, random: systemRandom }
  const mixed = new LocalBroker({ ...common, tls: { cert: server.cert, key: secret.key } })
  await t.rejects(mixed.start(), { code: 'TB_BROKER_TLS', message: /key values mismatch/ })
  const noPem = new LocalBroker({ ...common, tls: { cert: 'x', key: 'y' } })
  await t.rejects(noPem.start(), { code: 'TB_BROKER_TLS' })
  await t.rejects(new LocalBroker(common).start(), { code: 'TB_BROKER_TLS' })
})

t.test('of several doors one is taken: none stays open', async t => {
  const { plain } = await open(t)
  const second = new LocalBroker({
    id: 'second',
    listen: [ANY_PORT, { host: '127.0.0.1', port: plain }],
    clients: [],
    logger: silentLogger,
    random: systemRandom,
  })
  await t.rejects(second.start(), { code: 'TB_BROKER_LISTEN', message: /EADDRINUSE/ })
  t.strictSame(second.addresses, [])
})
