import t from 'tap'
import { startMosquitto } from '../support/mosquitto.js'
import { connectTo } from '../support/mqtt.js'
import { until } from '../support/until.js'
import { EventListener } from './event-listener.js'

const TOPIC = 'tillbridge/1/store-001/events/till-1/sale.completed'

function event(id: string, total: number): object {
  return { source: '/till-1', id, data: { total } }
}

function published(id: string, total: number): string {
  return JSON.stringify({ ...event(id, total), sequence: 7, historical: false })
}

function row(id: string, total: number): string {
  return JSON.stringify({ kind: 'event', event: JSON.stringify(event(id, total)) })
}

t.test('it misses what was not published, and knows another content when it hears it', async t => {
  const broker = await startMosquitto()
  const listener = new EventListener({ port: broker.port })
  await listener.start()
  const hq = connectTo({ port: broker.port })
  hq.start()
  await until('HQ is there', () => hq.state.type === 'online')
  for (const payload of [published('1', 10), published('2', 20), published('1', 10)])
    await hq.publish({ topic: TOPIC, payload })
  await until('all is heard', () => listener.repeats === 1)
  t.same(listener.findings([row('1', 10), row('2', 20)]), [])
  t.same(listener.findings([row('1', 10), row('2', 21), row('3', 30)]), [
    '/till-1 2 was published with another content',
    '/till-1 3 was never published',
  ])
  await hq.publish({ topic: TOPIC, payload: published('2', 22) })
  await until('it is heard', () => listener.repeats === 2)
  t.match(listener.findings([]), ['/till-1 2 came again as another event'])
  await Promise.all([hq.stop(1_000), listener.stop()])
  await broker.stop()
})
