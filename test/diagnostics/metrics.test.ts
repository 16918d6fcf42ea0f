import { once } from 'node:events'
import { createServer } from 'node:net'
import t from 'tap'
import type { Health } from '../../gateway/diagnostics/health.js'
import { IngestMeter } from '../../gateway/diagnostics/ingest-meter.js'
import { Journey } from '../../gateway/diagnostics/journey.js'
import { LoopDelay } from '../../gateway/diagnostics/loop-delay.js'
import { Metrics } from '../../gateway/diagnostics/metrics.js'
import { MetricsServer } from '../../gateway/diagnostics/metrics-server.js'
import { freePort } from '../support/mosquitto.js'
import { GARBLED, onlineStatus } from '../support/online-status.js'
import { NOON_MS } from '../support/sample.js'
import { steppedClock } from '../support/stepped-clock.js'

t.test('metrics are those of the status; a latency is counted as it happens', async t => {
  const { clock, step } = steppedClock()
  const ingest = new IngestMeter(clock)
  const journey = new Journey(clock)
  const oldestUnconfirmed = new Date(NOON_MS + 30 - 90_000).toISOString()
  const status = { ...onlineStatus({ oldestUnconfirmed }), terminals: [GARBLED] }
  const metrics = new Metrics({
    status: () => status,
    ingest,
    journey,
    loop: new LoopDelay(),
    memoryBytes: () => 123,
    clock,
  })
  await ingest.measured('till-7', [], async () => step(30))
  journey.confirmed([])
  const { type, text } = await metrics.read()
  t.match(type, /^text\/plain; version=0\.0\.4/)
  for (const line of [
    'tillbridge_backlog_age_seconds 90',
    'tillbridge_receipts_total 1',
    'tillbridge_memory_rss_bytes 123',
    'tillbridge_terminal_connected{terminal="till-7"} 0',
    'tillbridge_terminal_discarded_bytes_total{terminal="till-7"} 64',
    'tillbridge_terminal_ingest_seconds_bucket{le="0.025",terminal="till-7"} 0',
    'tillbridge_terminal_ingest_seconds_bucket{le="0.05",terminal="till-7"} 1',
  ])
    t.ok(text.split('\n').includes(line), line)
  t.notMatch(text, /autonomy/, 'what is not known is absent')
  t.equal((await metrics.read()).text, text, 'as often as it is asked')
})

t.test('the server answers on the loopback alone', async t => {
  const port = await freePort()
  let health: Health = { state: 'well' }
  const server = new MetricsServer({
    port,
    metrics: async () => ({ type: 'text/plain', text: 'a 1\n' }),
    health: () => health,
  })
  await server.start()
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    return [response.status, await response.text()]
  }
  t.same(await ask('/metrics'), [200, 'a 1\n'])
  t.same(await ask('/healthz'), [200, '{"state":"well"}\n'])
  health = { state: 'ill', why: ['it stands'] }
  t.same(await ask('/healthz'), [503, '{"state":"ill","why":["it stands"]}\n'])
  t.match(await ask('/'), [404])
  const rival = new MetricsServer({
    port,
    metrics: async () => ({ type: '', text: '' }),
    health: () => health,
  })
  await t.rejects(rival.start(), { code: 'TB_METRICS_LISTEN' })
  await server.stop()
  const again = createServer().listen(port, '127.0.0.1')
  await once(again, 'listening')
  again.close()
})

t.test('a loop that was held up says for how long', async t => {
  const loop = new LoopDelay()
  t.same(loop.take(), { maxMs: 0, p99Ms: 0 })
  loop.start()
  const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
  await pause(60)
  const endMs = Date.now() + 200
  while (Date.now() < endMs);
  await pause(60)
  t.ok(loop.take().maxMs >= 150)
  loop.stop()
})
