import t, { type Test } from 'tap'
import type { Delivery, MqttConnection } from '../../gateway/mqtt/connection.js'
import { openLinkFault } from '../../gateway/simulator/link-fault.js'
import { HASTE_MS } from '../support/mqtt.js'
import { until } from '../support/until.js'

/** A broker that the suite may take away and bring back on the same port, empty. */
export interface BrokerUnderTest {
  readonly port: number
  stop(): Promise<void>
  restart(): Promise<void>
}

interface Subject {
  readonly name: string
  readonly protocol: '5' | '3.1.1'
  readonly startBroker: () => Promise<BrokerUnderTest>
  /** `patienceMs`: for CONNECT and for a publish; that of a real one where it is left out. */
  readonly connect: (port: number, patienceMs?: number) => MqttConnection
}

/** A wait that no test survives: what takes it is seen. */
const AGES_MS = 60_000

/** What every MqttConnection promises, against a real broker. */
export function mqttConnectionContract(subject: Subject): void {
  const { name } = subject
  t.test(`${name}: publish, subscribe, retained messages, farewell`, t => exchange(t, subject))
  t.test(`${name}: comes back by itself, subscribes anew, counts sessions`, t =>
    returns(t, subject),
  )
  t.test(`${name}: a publish in flight when the link is cut is rejected, not forgotten`, t =>
    cutLink(t, subject),
  )
  t.test(`${name}: a silent link does not latch it: publish fails, then a new client works`, t =>
    silentLink(t, subject),
  )
  t.test(`${name}: stop never hangs, whatever is unanswered`, t => stopping(t, subject))
  t.test(`${name}: the PUBACK waits for the handler; one that rejects holds up nothing`, t =>
    acknowledging(t, subject),
  )
}

async function exchange(t: Test, { startBroker, connect, protocol }: Subject): Promise<void> {
  const broker = await startBroker()
  const [sender, listener] = [connect(broker.port), connect(broker.port)]
  const heard: Delivery[] = []
  const unsubscribe = listener.subscribe('shop/+/fact', delivery => void heard.push(delivery))
  await t.rejects(sender.publish({ topic: 'shop/1/fact', payload: 'x' }), {
    code: 'TB_MQTT_CLOSED',
  })
  await online(sender)
  await online(listener)
  t.match(sender.state, { type: 'online', protocol, session: 1 })
  await sender.publish({ topic: 'shop/1/fact', payload: 'live', retain: true })
  await until('the live message', () => heard.length === 1)
  t.match(heard[0], { topic: 'shop/1/fact', retained: false })
  t.equal(Buffer.from(heard[0]?.payload ?? []).toString(), 'live')

  const late: Delivery[] = []
  sender.subscribe('shop/1/#', delivery => void late.push(delivery))
  await until('the retained message', () => late.length === 1)
  t.equal(late[0]?.retained, true)

  unsubscribe()
  await sender.stop(2000)
  t.same(sender.state, { type: 'stopped' })
  await listener.stop(2000)
  await broker.stop()
}

async function returns(t: Test, { startBroker, connect }: Subject): Promise<void> {
  const broker = await startBroker()
  const connection = connect(broker.port)
  const states: string[] = []
  connection.onState(state => states.push(state.type))
  const heard: string[] = []
  connection.subscribe('a/#', ({ payload }) => void heard.push(Buffer.from(payload).toString()))
  await online(connection)
  await broker.stop()
  await until('it notices', () => connection.state.type === 'connecting')
  await until(
    'the reason',
    () => connection.state.type === 'connecting' && /ECONNREFUSED/.test(reasonOf(connection)),
  )
  await broker.restart()
  await online(connection)
  t.match(connection.state, { type: 'online', session: 2 })
  await connection.publish({ topic: 'a/b', payload: 'again' })
  await until('the delivery', () => heard.includes('again'))
  t.same(states.slice(0, 3), ['stopped', 'connecting', 'online'])
  await connection.stop(2000)
  await broker.stop()
}

async function cutLink(t: Test, { startBroker, connect }: Subject): Promise<void> {
  const broker = await startBroker()
  const link = await openLinkFault({ target: broker.port })
  const connection = connect(link.port, AGES_MS)
  await online(connection)
  link.stall()
  const outcomes: (string | undefined)[] = []
  for (let n = 0; n < 100; n += 1)
    connection.publish({ topic: 'a', payload: 'x' }).then(
      () => outcomes.push('acknowledged'),
      (error: { readonly code?: string }) => outcomes.push(error.code),
    )
  link.pull()
  await until('every publish is settled', () => outcomes.length === 100)
  t.same(new Set(outcomes), new Set(['TB_MQTT_CLOSED']))
  link.restore()
  await online(connection)
  await connection.publish({ topic: 'a', payload: 'now' })
  await connection.stop(2000)
  await link.close()
  await broker.stop()
}

async function silentLink(t: Test, { startBroker, connect }: Subject): Promise<void> {
  const broker = await startBroker()
  const link = await openLinkFault({ target: broker.port })
  const connection = connect(link.port, HASTE_MS)
  await online(connection)
  link.stall()
  await t.rejects(connection.publish({ topic: 'a', payload: 'x' }), { code: 'TB_MQTT_CLOSED' })
  await until('CONNECT goes unanswered', () => /CONNECT/.test(reasonOf(connection)))
  link.restore()
  // A busy machine may not answer in such haste every time.
  await until('a publish gets through', () =>
    connection.publish({ topic: 'a', payload: 'now' }).then(
      () => true,
      () => false,
    ),
  )
  await connection.stop(2000)
  await link.close()
  await broker.stop()
}

async function stopping(t: Test, { startBroker, connect }: Subject): Promise<void> {
  const broker = await startBroker()
  const link = await openLinkFault({ target: broker.port })
  const connection = connect(link.port, AGES_MS)
  await online(connection)
  link.stall()
  const lost = t.rejects(connection.publish({ topic: 'a', payload: 'x' }), {
    code: 'TB_MQTT_CLOSED',
  })
  // One turn of the event loop, for the publish to be on its way.
  await new Promise(resolve => setImmediate(resolve))
  let isStopped = false
  const stopped = connection.stop(50).then(() => {
    isStopped = true
  })
  await until('it has stopped', () => isStopped)
  await Promise.all([stopped, lost])
  t.same(connection.state, { type: 'stopped' })
  const never = connect(link.port)
  never.start()
  await never.stop(50)
  t.same(never.state, { type: 'stopped' })
  await link.close()
  await broker.stop()
}

async function acknowledging(t: Test, { startBroker, connect }: Subject): Promise<void> {
  const broker = await startBroker()
  const connection = connect(broker.port)
  const order: string[] = []
  connection.subscribe('a', async ({ payload }) => {
    const text = Buffer.from(payload).toString()
    order.push(`start ${text}`)
    await new Promise(resolve => setImmediate(resolve))
    order.push(`end ${text}`)
    throw new Error('a defect of a handler')
  })
  await online(connection)
  await Promise.all([1, 2].map(n => connection.publish({ topic: 'a', payload: `${n}` })))
  await until('both were handled', () => order.length === 4)
  t.same(order, ['start 1', 'end 1', 'start 2', 'end 2'])
  await connection.stop(2000)
  await broker.stop()
}

export async function online(connection: MqttConnection): Promise<void> {
  connection.start()
  await until('online', () => connection.state.type === 'online')
}

export function reasonOf(connection: MqttConnection): string {
  return connection.state.type === 'connecting' ? (connection.state.reason ?? '') : ''
}
