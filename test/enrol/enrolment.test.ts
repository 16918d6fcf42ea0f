import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Clock, systemClock } from '../../gateway/core/clock.js'
import { type DeviceId, deviceId, type StoreId } from '../../gateway/core/ids.js'
import { LIMITS } from '../../gateway/core/limits.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import { deviceWith, forgetNextKey, openNextKey } from '../../gateway/enrol/device.js'
import { type Approval, Enrolment } from '../../gateway/enrol/enrolment.js'
import { identityPaths, readIdentity, saveIdentity } from '../../gateway/enrol/identity.js'
import { keepIdentityTwice } from '../../gateway/enrol/identity-copy.js'
import { readRequest } from '../../gateway/hq/stores/statements.js'
import { signJws } from '../../gateway/security/jws.js'
import { type SigningKey, signingKeyOf } from '../../gateway/security/signature.js'
import type { EnrolAnswer, EnrolRequest } from '../../gateway/wire/enrol.js'
import { startMosquitto } from '../support/mosquitto.js'
import { connectTo } from '../support/mqtt.js'
import { STORE } from '../support/sample.js'
import { freshDirectory, TOPICS } from '../support/shop.js'
import { makeStoresAuthority, openRegister } from '../support/stores-authority.js'
import { until } from '../support/until.js'

const HQ = signingKeyOf(Buffer.alloc(32, 1))
const NEXT = signingKeyOf(Buffer.alloc(32, 2))
const STRANGER = signingKeyOf(Buffer.alloc(32, 3))
const PATIENT = { connectMs: 30_000, pubackMs: 30_000 }

/** A broker that forbids nothing, HQ's connection to it, and what gateways asked there. */
async function openHq(t: Test) {
  const broker = await startMosquitto()
  t.teardown(() => broker.stop())
  const { port } = broker
  const connection = connectTo({ port, ...PATIENT })
  t.teardown(() => connection.stop(500))
  const asked = new Map<DeviceId, EnrolRequest>()
  const withdrawn = new Set<string>()
  const heard = new Map<DeviceId, number>()
  connection.subscribe(TOPICS.enrolRequest('+'), ({ topic, payload }) => {
    if (payload.length === 0) withdrawn.add(topic)
    const request = readRequest(payload)
    if (!request.ok) return
    const { device } = request.value
    asked.set(device, request.value)
    heard.set(device, (heard.get(device) ?? 0) + 1)
  })
  connection.start()
  await until('HQ is there', () => connection.state.type === 'online')
  const answer = (device: DeviceId, payload: string): Promise<void> =>
    connection.publish({ topic: TOPICS.enrolAnswer(device), payload, retain: true })
  const say = (said: EnrolAnswer, key: SigningKey = HQ): Promise<void> =>
    answer(said.device, signJws(JSON.stringify(said), key))
  const register = await openRegister(makeStoresAuthority(t).folder)
  const approve = async (request: EnrolRequest, store: StoreId = STORE): Promise<Approval> => ({
    ...{ v: 1, device: request.device, tlsKey: request.tlsKey, decision: 'approved', store },
    certificate: await register.approve(request, store),
    authority: register.certificate,
  })
  return {
    ...{ port, asked, withdrawn, answer, say, approve },
    heard: (device: DeviceId) => heard.get(device) ?? 0,
  }
}

/** A gateway with a card of its own that asks; each call is a start of it. */
async function start(t: Test, given: { readonly port: number; readonly card: string }) {
  const device = deviceWith(signingKeyOf(systemRandom.bytes(32)))
  return startAs(t, { ...given, device })
}

async function startAs(
  t: Test,
  given: {
    readonly port: number
    readonly card: string
    readonly device: ReturnType<typeof deviceWith>
    readonly clock?: Clock
  },
) {
  const { port, card, device, clock = systemClock } = given
  const connection = connectTo({ port, ...PATIENT })
  connection.start()
  const told: string[] = []
  const disbelieved: string[] = []
  const logger = silentLogger.child({})
  logger.warn = (fields: { reason?: string }) => void disbelieved.push(String(fields.reason))
  const end = new AbortController()
  const asking = new Enrolment({
    ...{ device, connection, topics: TOPICS, clock, logger },
    tlsKey: await openNextKey(card),
    applicant: { software: '0.1.0', hardware: 'a board', store: STORE },
    keys: [HQ.publicKey, NEXT.publicKey],
    onRefused: () => forgetNextKey(card),
    tell: text => void told.push(text),
  }).run(end.signal)
  const stop = async (): Promise<void> => {
    end.abort()
    await asking
    await connection.stop(500)
  }
  t.teardown(stop)
  return { device, asking, told, disbelieved, stop }
}

/** A clock whose every sleep is over once the machine had this time to work. */
function hastyClock(workMs: number): Clock {
  let passedMs = systemClock.monotonicMs()
  const sleep: Clock['sleep'] = async (ms, signal) => {
    await systemClock.sleep(workMs, signal)
    passedMs += ms
  }
  return { ...systemClock, monotonicMs: () => passedMs, sleep }
}

t.test('what no pinned key signed, or was said to another, is no answer', async t => {
  const hq = await openHq(t)
  const card = freshDirectory(t)
  const gateway = await start(t, { port: hq.port, card })
  const { device } = gateway
  await until('HQ is asked', () => hq.asked.has(device.id))
  const request = hq.asked.get(device.id)
  if (request === undefined) throw new Error('not asked')
  const right = await hq.approve(request)
  const other = await start(t, { port: hq.port, card: freshDirectory(t) })
  await until('HQ is asked', () => hq.asked.has(other.device.id))
  const foreign = await hq.approve({
    ...request,
    tlsKey: hq.asked.get(other.device.id)?.tlsKey ?? '',
  })
  const wrong: readonly (() => Promise<void>)[] = [
    () => hq.answer(device.id, JSON.stringify(right)),
    () => hq.answer(device.id, signJws(JSON.stringify(right), STRANGER)),
    () => hq.answer(device.id, signJws(JSON.stringify({ ...right, v: 2 }), HQ)),
    // Said to another gateway, and put on this one's topic.
    () => hq.answer(device.id, signJws(JSON.stringify({ ...right, device: other.device.id }), HQ)),
    // To an older request of this one.
    () => hq.say({ ...right, tlsKey: foreign.tlsKey }),
    () => hq.say({ ...right, certificate: foreign.certificate }),
    () => hq.say({ ...right, authority: makeStoresAuthority(t).certificate }),
    () => hq.answer(device.id, 'x'.repeat(40_000)),
  ]
  for (const [index, say] of wrong.entries()) {
    await say()
    await until(`answer ${index}`, () => gateway.disbelieved.length > index)
  }
  await hq.say(right, NEXT)
  t.match(await gateway.asking, { store: STORE }, 'the next key of HQ counts, too')
})

t.test('refused, it says so, takes its question back, and may be approved after all', async t => {
  const hq = await openHq(t)
  const card = freshDirectory(t)
  const gateway = await start(t, { port: hq.port, card })
  const { id } = gateway.device
  await until('HQ is asked', () => hq.asked.has(id))
  const request = hq.asked.get(id)
  if (request === undefined) throw new Error('not asked')
  const { tlsKey } = request
  await hq.say({ v: 1, device: id, tlsKey, decision: 'refused', reason: 'nobody ordered it' })
  await until('it says so', () => gateway.told.some(text => /nobody ordered it/.test(text)))
  await until('the question is gone', () => hq.withdrawn.has(TOPICS.enrolRequest(id)))
  hq.asked.delete(id)
  const next = await startAs(t, { port: hq.port, card, device: gateway.device })
  await until('the next start asks again', () => hq.asked.has(id))
  t.not(hq.asked.get(id)?.tlsKey, tlsKey, 'of another key: the refusal is not of this one')
  t.equal(next.told.filter(text => /nobody ordered it/.test(text)).length, 0)
  await hq.say(await hq.approve(request))
  t.match(await gateway.asking, { decision: 'approved' }, 'the first one waited on')
})

t.test('killed between the answer and what it makes of it: the next start has it', async t => {
  const hq = await openHq(t)
  const card = freshDirectory(t)
  const first = await start(t, { port: hq.port, card })
  const { device } = first
  await until('HQ is asked', () => hq.asked.has(device.id))
  const request = hq.asked.get(device.id)
  if (request === undefined) throw new Error('not asked')
  await hq.say(await hq.approve(request))
  await first.asking
  await first.stop()
  t.notOk(existsSync(identityPaths(card).client), 'nothing was kept')

  const second = await startAs(t, { port: hq.port, card, device })
  const approval = await second.asking
  if (approval === undefined) throw new Error('no answer')
  const { store, authority, certificate } = approval
  const key = (await openNextKey(card)).pem
  await saveIdentity(card, { identity: { store, authority }, certificate, key })
  t.same(readIdentity(card), { store, authority })
})

t.test('a broker that forgets the question hears it again, and not all the time', async t => {
  const hq = await openHq(t)
  const device = deviceWith(signingKeyOf(systemRandom.bytes(32)))
  const { told } = await startAs(t, {
    ...{ port: hq.port, card: freshDirectory(t), device },
    clock: hastyClock(20),
  })
  await until('HQ is asked', () => hq.heard(device.id) === 1)
  const times = 4
  await until('and again', () => hq.heard(device.id) === times)
  const least = ((times - 1) * LIMITS.enrolAskMs) / LIMITS.enrolRemindMs
  t.ok(told.length > least, `it said ${told.length} times that it waits`)
})

t.test('what a card damages of the identity stands there twice', async t => {
  const card = freshDirectory(t)
  const device = deviceWith(signingKeyOf(systemRandom.bytes(32)))
  const { publicKey, id } = device
  const tlsKey = await openNextKey(card)
  const register = await openRegister(makeStoresAuthority(t).folder)
  const about = { v: 1, device: id, publicKey, software: '0.1.0', hardware: 'a board' } as const
  const certificate = await register.approve({ ...about, ...device.claim(tlsKey) }, STORE)
  const identity = { store: STORE, authority: register.certificate }
  t.equal(await keepIdentityTwice(card, systemClock), 'none')
  await saveIdentity(card, { identity, certificate, key: tlsKey.pem })
  t.equal(await keepIdentityTwice(card, systemClock), 'whole')
  const { record, client, folder } = identityPaths(card)
  const pem = readFileSync(client)
  for (const path of [record, client]) {
    const whole = readFileSync(path)
    const other = Buffer.from(whole.toString('latin1').replace('store-001', 'store-003'), 'latin1')
    for (const damage of [
      Buffer.alloc(0),
      whole.subarray(0, 100),
      Buffer.alloc(whole.length),
      ...(other.equals(whole) ? [] : [other]),
    ]) {
      writeFileSync(path, damage)
      t.equal(await keepIdentityTwice(card, systemClock), 'restored')
      t.same(readIdentity(card), identity)
      t.same(readFileSync(client), pem)
    }
    rmSync(path)
    t.equal(await keepIdentityTwice(card, systemClock), 'restored')
  }
  t.ok(
    readdirSync(folder).some(name => name.includes('.damaged-')),
    'nothing is deleted',
  )
  rmSync(join(card, 'identity-copy'), { recursive: true })
  t.equal(await keepIdentityTwice(card, systemClock), 'whole')
  rmSync(folder, { recursive: true })
  t.equal(await keepIdentityTwice(card, systemClock), 'restored')
})

t.test('half an identity is none', async t => {
  const card = freshDirectory(t)
  t.equal(readIdentity(card), undefined)
  const key = (await openNextKey(card)).pem
  t.equal((await openNextKey(card)).pem, key, 'the same over starts')
  t.throws(() => deviceId('3F9A-77c1-02be-9d10-aa34'))
})
