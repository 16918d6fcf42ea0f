import { readFileSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import type { Result } from '../../gateway/core/result.js'
import { deviceWith } from '../../gateway/enrol/device.js'
import { identityPaths, saveCertificate } from '../../gateway/enrol/identity.js'
import { CertificateRenewal } from '../../gateway/enrol/renewal.js'
import { Registrar } from '../../gateway/hq/stores/registrar.js'
import { readRequest } from '../../gateway/hq/stores/statements.js'
import type { MqttConnection } from '../../gateway/mqtt/connection.js'
import { openAuthority } from '../../gateway/security/certificate-authority.js'
import { newTlsKey, readCertificate } from '../../gateway/security/client-certificate.js'
import { signingKeyOf } from '../../gateway/security/signature.js'
import { topicsUnder } from '../../gateway/wire/topics.js'
import { errorLog } from '../support/error-log.js'
import { startHqBroker } from '../support/hq-broker.js'
import { connectTo } from '../support/mqtt.js'
import { STORE } from '../support/sample.js'
import { freshDirectory } from '../support/shop.js'
import { openRegister } from '../support/stores-authority.js'
import { until } from '../support/until.js'

const TOPICS = topicsUnder('tillbridge/1')
const MINUTE_MS = 60_000
const PATIENT = { host: 'localhost', connectMs: 60_000, pubackMs: 60_000 }

/** A store whose certificate ends in minutes, at HQ's broker as it is deployed. */
async function openStore(t: Test) {
  const broker = await startHqBroker(t)
  const { ca } = broker
  const register = await openRegister(broker.authority)
  const read = (name: string): string => readFileSync(`${broker.authority}/${name}`, 'utf8')
  const authority = openAuthority({
    certificate: read('public/authority.pem'),
    key: read('authority.key'),
    random: systemRandom,
  })
  const hq = connectTo({
    ...PATIENT,
    ...{ port: broker.port, tls: { ca }, username: 'hq', password: broker.password('hq') },
  })
  t.teardown(() => hq.stop(500))
  const log = errorLog()
  const registrar = new Registrar({ register, connection: hq, topics: TOPICS, logger: log.logger })
  registrar.start()
  hq.start()

  const device = deviceWith(signingKeyOf(systemRandom.bytes(32)))
  const key = newTlsKey()
  const jws = device.sign({
    ...{ v: 1, device: device.id, publicKey: device.publicKey, ...device.claim(key) },
    ...{ software: '0.1.0', hardware: 'a board', store: STORE },
  })
  const request = readRequest(Buffer.from(jws))
  if (!request.ok) throw new Error(request.error)
  await register.approve(request.value, STORE)
  const nowMs = systemClock.wallMs()
  const old = authority.issue({
    name: STORE,
    publicKey: Buffer.from(key.publicKey, 'base64url'),
    validFromMs: nowMs - 100 * MINUTE_MS,
    validToMs: nowMs + 20 * MINUTE_MS,
  })
  const card = freshDirectory(t)
  await saveCertificate(card, { certificate: old.pem, key: key.pem })
  return { broker, register, registrar, hq, errors: log.errors, device, authority, old, card }
}

type Store = Awaited<ReturnType<typeof openStore>>

/** The store's side, until it is stopped; each call is a start of the gateway. */
function start(
  t: Test,
  store: Store,
  prove: (pem: string) => Promise<Result<undefined, string>> = async () => ({
    ok: true,
    value: undefined,
  }),
  publish?: MqttConnection['publish'],
) {
  const { broker, device, card, authority } = store
  let pem = readFileSync(identityPaths(card).client, 'utf8')
  const address = {
    ...PATIENT,
    ...{ port: broker.storesPort, clientId: `tillbridge-${STORE}` },
    tls: { ca: broker.ca, cert: pem, key: pem },
  }
  const connection = connectTo(address)
  const alarms = new Map<string, string>()
  const raised: string[] = []
  const end = new AbortController()
  const running = new CertificateRenewal({
    ...{ store: STORE, device, topics: TOPICS, prove },
    connection: publish === undefined ? connection : withPublish(connection, publish),
    ...{ dataDir: card, authority: authority.certificate, software: '0.1.0' },
    current: () => pem,
    replace: next => {
      pem = next
    },
    alarms: {
      raise: (alarm, reason) => {
        raised.push(reason)
        alarms.set(alarm, reason)
      },
      clear: alarm => void alarms.delete(alarm),
    },
    clock: systemClock,
    logger: silentLogger,
  }).run(end.signal)
  connection.start()
  let isStopped = false
  const stop = async (): Promise<void> => {
    if (isStopped) return
    isStopped = true
    end.abort()
    await running
    await connection.stop(500)
  }
  t.teardown(stop)
  return {
    connection,
    alarms,
    raised,
    serial: () => readCertificate(pem).serial,
    onDisk: () => readCertificate(readFileSync(identityPaths(card).client, 'utf8')).serial,
    stop,
  }
}

/** A connection that is there, and publishes as it is told. */
function withPublish(real: MqttConnection, publish: MqttConnection['publish']): MqttConnection {
  return {
    get state() {
      return real.state
    },
    onState: listener => real.onState(listener),
    subscribe: (filter, handler) => real.subscribe(filter, handler),
    start: () => real.start(),
    stop: timeoutMs => real.stop(timeoutMs),
    publish,
  }
}

t.test('past half of its life a certificate is renewed, and proven before it is used', async t => {
  const store = await openStore(t)
  const { broker, old } = store
  const proven: string[] = []
  const gateway = start(t, store, async pem => {
    proven.push(readCertificate(pem).serial)
    const trial = connectTo({
      ...PATIENT,
      ...{ port: broker.storesPort, clientId: `tillbridge-${STORE}.trial` },
      tls: { ca: broker.ca, cert: pem, key: pem },
    })
    trial.start()
    await until('the new one connects', () => trial.state.type === 'online')
    await trial.stop(500)
    return { ok: true, value: undefined }
  })
  await until('it is renewed', () => gateway.serial() !== old.serial)
  t.same(proven, [gateway.serial()])
  t.equal(gateway.onDisk(), gateway.serial(), 'durable')
  t.ok(gateway.raised.length > 0, 'so late it rang')
  await until('it rings no longer', () => gateway.alarms.size === 0)
  const entry = await store.register.find(STORE)
  t.equal(entry.certificates.at(-1)?.serial, gateway.serial(), 'HQ knows which')
  t.equal(gateway.connection.state.type, 'online', 'nobody was cut off')
})

t.test('a store that was retired gets none; it rings, and its connection stands', async t => {
  const store = await openStore(t)
  await store.register.retire(STORE)
  const gateway = start(t, store)
  await until('HQ names it', () => store.errors.some(text => /has retired/.test(text)))
  await until('it rings', () => gateway.alarms.has('certificate-ending'))
  t.match(gateway.alarms.get('certificate-ending'), /HQ did not renew it.*It sells on/)
  t.equal(gateway.serial(), store.old.serial)
  t.equal(gateway.connection.state.type, 'online')
})

t.test('what another authority issued, for another store or key, is not taken', async t => {
  const store = await openStore(t)
  await store.registrar.stop()
  const gateway = start(t, store)
  await until('it asks', () => gateway.connection.state.type === 'online')
  const other = newTlsKey()
  const times = { validFromMs: systemClock.wallMs(), validToMs: systemClock.wallMs() + MINUTE_MS }
  const publicKey = Buffer.from(other.publicKey, 'base64url')
  const { pem } = store.authority.issue({ name: STORE, publicKey, ...times })
  for (const payload of ['nonsense', JSON.stringify({ v: 1, certificate: pem })]) {
    const before = gateway.raised.length
    await store.hq.publish({ topic: TOPICS.newCertificate(STORE), payload, retain: true })
    await until('it looked', () => gateway.raised.length > before)
  }
  t.match(gateway.alarms.get('certificate-ending'), /not for the key of this device/)
  t.equal(gateway.onDisk(), store.old.serial)
})

t.test('killed with the new one in hand, or one that HQ’s broker refuses', async t => {
  const store = await openStore(t)
  const refused = start(t, store, async () => ({ ok: false, error: 'not authorised' }))
  await until('it was refused', () => /not authorised/.test(refused.raised.at(-1) ?? ''))
  t.equal(refused.onDisk(), store.old.serial, 'the old one stays')
  await refused.stop()
  const issued = (await store.register.find(STORE)).certificates.at(-1)?.serial

  const next = start(t, store)
  await until('the next start has it', () => next.serial() !== store.old.serial)
  t.equal(next.serial(), issued, 'the same one: HQ keeps it for the store')
})

t.test('HQ says once why it renews no more, and that the shop rings is heard', async t => {
  const store = await openStore(t)
  const { device, register } = store
  const { publicKey, id } = device
  const about = {
    v: 1,
    store: STORE,
    device: id,
    publicKey,
    serial: 'AA',
    software: '0.1.0',
  } as const
  const ask = () => register.renew({ ...about, renewal: device.claim(newTlsKey()) })
  while ((await ask())?.ok) t.pass('issued')
  const refusals = () => store.errors.filter(text => text === 'a certificate was not renewed')
  let heard = 0
  store.hq.subscribe(TOPICS.certificate(STORE), () => {
    heard += 1
  })
  const gateway = start(t, store)
  await until('it rings', () => gateway.alarms.has('certificate-ending'))
  await until('HQ says it', () => refusals().length > 0)
  await gateway.stop()
  const before = heard
  start(t, store)
  await until('it asks again', () => heard > before)
  await store.registrar.stop()
  t.equal(refusals().length, 1)
})

t.test('at its start HQ writes who is revoked, whatever a crash left', async t => {
  const { register, registrar, hq } = await openStore(t)
  await registrar.stop()
  await register.retire(STORE)
  writeFileSync(register.revocations, 'torn')
  new Registrar({ register, connection: hq, topics: TOPICS, logger: silentLogger }).start()
  await until('it is whole', () => /X509 CRL/.test(readFileSync(register.revocations, 'utf8')))
})

t.test('told to stop, it waits for no broker that keeps silent', async t => {
  const store = await openStore(t)
  let isAsked = false
  const gateway = start(t, store, undefined, () => {
    isAsked = true
    return new Promise(() => undefined)
  })
  await until('it asks', () => isAsked)
  await gateway.stop()
  t.pass('it stopped')
})

t.test('a question that came behind its answer is taken away once the store speaks', async t => {
  const store = await openStore(t)
  const topic = TOPICS.enrolRequest(store.device.id)
  const said: string[] = []
  store.hq.subscribe(topic, ({ payload }) => void said.push(Buffer.from(payload).toString()))
  await store.hq.publish({ topic, payload: 'a question', retain: true })
  await until('it stands there', () => said.includes('a question'))
  start(t, store)
  await until('it is gone', () => said.at(-1) === '')
})
