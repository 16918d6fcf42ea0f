import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Clock } from '../core/clock.js'
import type { StoreStatus } from '../wire/status.js'
import type { IngestMeter } from './ingest-meter.js'
import type { Journey } from './journey.js'
import type { LoopDelay } from './loop-delay.js'

/** Seconds; an fsync on a worn card takes the longer of them. */
const LATENCY_BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

const TERMINAL_COUNTERS = [
  ['framesTotal', 'frames_total', 'Whole frames'],
  ['eventsTotal', 'events_total', 'Events journaled'],
  ['rejectedTotal', 'rejected_total', 'Frames that nobody understands'],
  ['discardedBytes', 'discarded_bytes_total', 'Bytes that made no frame'],
  ['burstTotal', 'bursts_total', 'Bursts of such bytes'],
  ['nakTotal', 'naks_total', 'Frames answered NAK'],
  ['repeatTotal', 'repeats_total', 'Messages said once more'],
  ['timeoutTotal', 'timeouts_total', 'Requests without an answer'],
] as const

export interface MetricsSource {
  readonly status: () => StoreStatus
  readonly ingest: IngestMeter
  readonly journey: Journey
  readonly loop: LoopDelay
  readonly memoryBytes: () => number
  readonly clock: Clock
}

/** The figures of this gateway as Prometheus reads them; all but latencies are made when asked. */
export class Metrics {
  readonly #source: MetricsSource
  readonly #latencies = new Registry()

  constructor(source: MetricsSource) {
    this.#source = source
    const latency = new Histogram({
      name: 'tillbridge_terminal_ingest_seconds',
      help: 'From a message to its fsync',
      labelNames: ['terminal'],
      buckets: LATENCY_BUCKETS,
      registers: [this.#latencies],
    })
    source.ingest.onTimed((terminal, tookMs) => latency.observe({ terminal }, tookMs / 1000))
  }

  async read(): Promise<{ readonly type: string; readonly text: string }> {
    const { status, loop, memoryBytes, journey } = this.#source
    const now = status()
    const delay = loop.take()
    const registry = new Registry()
    this.#addJournal(registry, now)
    addTerminals(registry, now.terminals)
    const receipts = { name: 'tillbridge_receipts_total', help: 'Confirmations from HQ' }
    new Counter({ ...receipts, registers: [registry] }).inc(journey.receipts)
    addGauge(registry, 'hq_online', 'Whether HQ is reached', now.uplink.state === 'online' ? 1 : 0)
    addGauge(registry, 'alarms', 'Alarms that stand', now.alarms.length)
    addGauge(registry, 'event_loop_delay_max_seconds', 'Since last asked', delay.maxMs / 1000)
    addGauge(registry, 'event_loop_delay_p99_seconds', 'Since last asked', delay.p99Ms / 1000)
    addGauge(registry, 'memory_rss_bytes', 'Memory of the process', memoryBytes())
    const text = `${await registry.metrics()}\n${await this.#latencies.metrics()}`
    return { type: registry.contentType, text }
  }

  #addJournal(registry: Registry, { journal }: StoreStatus): void {
    const { backlog, records, bytes, quotaBytes, autonomyHours, oldestUnconfirmed } = journal
    const nowMs = this.#source.clock.wallMs()
    const ageMs = oldestUnconfirmed === undefined ? 0 : nowMs - Date.parse(oldestUnconfirmed)
    addGauge(registry, 'backlog_records', 'Records without a receipt', backlog)
    addGauge(registry, 'backlog_age_seconds', 'Age of the oldest', Math.max(0, ageMs / 1000))
    addGauge(registry, 'journal_records', 'Records in the journal', records)
    addGauge(registry, 'journal_bytes', 'What they take up on the disk', bytes)
    addGauge(registry, 'journal_quota_bytes', 'What they may take up', quotaBytes)
    // Absent before it is known.
    if (autonomyHours !== undefined)
      addGauge(registry, 'journal_autonomy_hours', 'How long the room lasts', autonomyHours)
  }
}

function addTerminals(registry: Registry, terminals: StoreStatus['terminals']): void {
  const common = { labelNames: ['terminal'] as const, registers: [registry] }
  const connected = new Gauge({
    ...common,
    name: 'tillbridge_terminal_connected',
    help: 'Whether its line is of use',
  })
  const rssi = new Gauge({
    ...common,
    name: 'tillbridge_ble_rssi_dbm',
    help: 'How strong a radio terminal was heard last',
  })
  for (const { terminal, state, rssiDbm } of terminals) {
    connected.set({ terminal }, state === 'connected' ? 1 : 0)
    if (rssiDbm !== undefined) rssi.set({ terminal }, rssiDbm)
  }
  for (const [key, name, help] of TERMINAL_COUNTERS) {
    const counter = new Counter({ ...common, name: `tillbridge_terminal_${name}`, help })
    for (const one of terminals) counter.inc({ terminal: one.terminal }, one[key])
  }
}

function addGauge(registry: Registry, name: string, help: string, value: number): void {
  new Gauge({ name: `tillbridge_${name}`, help, registers: [registry] }).set(value)
}
