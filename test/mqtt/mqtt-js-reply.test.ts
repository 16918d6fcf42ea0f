import { connectAsync } from 'mqtt'
import t from 'tap'
import type { Delivery } from '../../gateway/mqtt/connection.js'
import { startMosquitto } from '../support/mosquitto.js'
import { connectTo } from '../support/mqtt.js'
import { until } from '../support/until.js'

t.test('MQTT 5: where a sender wants its answer, and what it wants back with it', async t => {
  const broker = await startMosquitto()
  t.teardown(() => broker.stop())
  const connection = connectTo({ port: broker.port })
  t.teardown(() => connection.stop(500))
  const heard: Delivery[] = []
  connection.subscribe('ask', delivery => void heard.push(delivery))
  connection.start()
  await until('it is there', () => connection.state.type === 'online')
  const url = `mqtt://127.0.0.1:${broker.port}`
  const asker = await connectAsync(url, { protocolVersion: 5 })
  t.teardown(() => asker.endAsync(true))
  const correlationData = Buffer.from([0, 1, 255])
  const properties = { responseTopic: 'answers/1', correlationData }
  await asker.publishAsync('ask', 'a', { qos: 1, properties })
  await asker.publishAsync('ask', 'b', { qos: 1 })
  await until('both came', () => heard.length === 2)
  t.same(heard[0]?.reply, { topic: 'answers/1', correlation: correlationData })
  t.equal(heard[1]?.reply, undefined)

  const answers: unknown[] = []
  asker.on('message', (_topic, _payload, packet) => answers.push(packet.properties))
  await asker.subscribeAsync('answers/1', { qos: 1 })
  const answer = { topic: 'answers/1', payload: 'x' }
  await connection.publish({ ...answer, correlation: correlationData })
  await connection.publish(answer)
  await until('both were answered', () => answers.length === 2)
  t.match(answers[0], { correlationData })
  t.notMatch(answers[1], { correlationData: Buffer })

  const old = connectTo({ port: broker.port, protocol: '3.1.1' })
  t.teardown(() => old.stop(500))
  old.start()
  await until('it is there', () => old.state.type === 'online')
  await old.publish({ ...answer, correlation: correlationData })
  await until('it came without', () => answers.length === 3)
  t.notMatch(answers[2], { correlationData: Buffer })
})
