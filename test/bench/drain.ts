import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../gateway/core/clock.js'
import { LinkFault } from '../../gateway/simulator/link-fault.js'
import { shopYaml, storePaths } from '../../gateway/simulator/store.js'
import { SupervisedProcess } from '../../gateway/simulator/supervised-process.js'
import { decodeReceipt } from '../../gateway/wire/receipt.js'
import { freePort, startMosquitto } from '../support/mosquitto.js'
import { connectTo } from '../support/mqtt.js'
import { startPostgres } from '../support/postgres.js'
import { MAIN } from '../support/program.js'
import { STORE } from '../support/sample.js'
import { until } from '../support/until.js'
import { fillJournal } from './fill.js'
import { say, sayRatio } from './report.js'

const EVENTS = 100_000
/** A PUBACK of MQTT 3.1.1: what the bridge gets back for each message. */
const PUBACK_BYTES = 4
const PATIENCE_MS = 300_000

/** A link that notes what it carried towards HQ's broker, and when it began. */
class MeteredLink {
  readonly link: LinkFault
  there = 0
  back = 0
  startMs: number | undefined

  constructor(target: number) {
    this.link = new LinkFault({
      target,
      watch: way => bytes => {
        this.startMs ??= performance.now()
        this[way] += bytes.length
        return undefined
      },
    })
  }

  get elapsedMs(): number {
    return performance.now() - (this.startMs ?? performance.now())
  }
}

/** mosquitto with a bridge: every message queued in memory while HQ is away, then sent. */
async function drainBridge(payloadBytes: number): Promise<{
  readonly ms: number
  readonly wireBytes: number
}> {
  const hqPort = await freePort()
  const metered = new MeteredLink(hqPort)
  await metered.link.listen()
  const bridge = await startMosquitto({
    config: [
      'allow_anonymous true',
      'max_queued_messages 0',
      'connection hq',
      `address 127.0.0.1:${metered.link.port}`,
      'topic events/# out 1',
      'cleansession false',
      'restart_timeout 1',
    ],
  })
  const filler = connectTo({ port: bridge.port, pubackMs: undefined })
  filler.start()
  await until('connected to the bridge', () => filler.state.type === 'online')
  const payload = Buffer.alloc(payloadBytes, 0x61)
  const all = Array.from({ length: EVENTS }, () => filler.publish({ topic: 'events/s/1', payload }))
  await Promise.all(all)
  await filler.stop(1000)
  const attempts = metered.there
  const hq = await startMosquitto({ port: hqPort })
  await until('the bridge is back', () => metered.there > attempts, PATIENCE_MS)
  const { there: before } = metered
  const startMs = performance.now()
  const done = (): boolean => metered.back >= EVENTS * PUBACK_BYTES
  await until('all are acknowledged', done, PATIENCE_MS)
  const ms = performance.now() - startMs
  const wireBytes = metered.there - before
  await bridge.stop()
  await hq.stop()
  await metered.link.close()
  return { ms, wireBytes }
}

/** The gateway with a backlog of the same size; `ledger` as `tillbridge hq --ledger` takes it. */
async function drainGateway(ledger: readonly string[]): Promise<{
  readonly brokerMs: number
  readonly receiptMs: number
  readonly wireBytes: number
  readonly payloadBytes: number
}> {
  const directory = mkdtempSync(join(tmpdir(), 'tillbridge-bench-'))
  const paths = storePaths(directory)
  mkdirSync(paths.gateway, { recursive: true })
  const filled = await fillJournal(join(paths.gateway, 'journal'), EVENTS)
  const mosquitto = await startMosquitto()
  const metered = new MeteredLink(mosquitto.port)
  await metered.link.listen()
  writeFileSync(
    paths.config,
    shopYaml({
      store: STORE,
      dataDir: paths.gateway,
      hqPort: metered.link.port,
      brokerPort: await freePort(),
      terminals: [],
    }),
  )
  let broker = 0
  let confirmed = 0
  const bystander = connectTo({ port: mosquitto.port })
  bystander.subscribe(`tillbridge/1/${STORE}/down/receipt`, ({ payload }) => {
    const receipt = decodeReceipt(payload)
    if (!receipt.ok) return
    confirmed = 0
    for (const { upTo, missing } of receipt.value.epochs)
      confirmed += upTo - missing.reduce((sum, [first, last]) => sum + last - first + 1, 0)
  })
  let lastBatchMs = 0
  bystander.subscribe(`tillbridge/1/${STORE}/up/journal`, () => {
    broker += 1
    lastBatchMs = metered.elapsedMs
  })
  bystander.start()
  await until('connected', () => bystander.state.type === 'online')
  const url = `mqtt://127.0.0.1:${mosquitto.port}`
  const child = (name: string, args: readonly string[]): SupervisedProcess =>
    new SupervisedProcess({
      args: [MAIN, ...args],
      env: { ...process.env, UV_THREADPOOL_SIZE: '16' },
      logPath: paths.log(name),
      clock: systemClock,
    })
  const place = ledger.length === 0 ? ['--data', paths.hq] : ledger
  const hq = child('hq', ['hq', '--broker', url, ...place])
  hq.start()
  const gateway = child('gateway', ['run', '--config', paths.config])
  gateway.start()
  await until('batches come', () => broker > 0, PATIENCE_MS)
  await until('all is confirmed', () => confirmed >= EVENTS, PATIENCE_MS)
  const receiptMs = metered.elapsedMs
  await gateway.stop(10_000)
  await hq.stop(10_000)
  await bystander.stop(1000)
  await metered.link.close()
  await mosquitto.stop()
  rmSync(directory, { recursive: true })
  const payloadBytes = Math.round(filled.eventBytes / filled.events)
  return { brokerMs: lastBatchMs, receiptMs, wireBytes: metered.there, payloadBytes }
}

/** The backlog of an outage beside mosquitto's bridge, on one machine with one payload. */
export async function benchDrain(): Promise<void> {
  const postgres = await startPostgres()
  const level = await drainGateway([])
  const rows = await drainGateway(['--ledger', await postgres.url('bench')])
  await postgres.stop()
  const bridge = await drainBridge(level.payloadBytes)
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
  const perEvent = (bytes: number): string => `${(bytes / EVENTS).toFixed(0)} B an event`
  say(`a backlog of ${EVENTS} events of ${level.payloadBytes} B after an outage`)
  say(`  mosquitto's bridge: ${seconds(bridge.ms)}, ${perEvent(bridge.wireBytes)} on the wire`)
  say(`  gateway: ${seconds(level.brokerMs)} to the broker, ${perEvent(level.wireBytes)}`)
  say(
    `  to the last receipt: LevelDB ${seconds(level.receiptMs)}, PostgreSQL ${seconds(rows.receiptMs)}`,
  )
  sayRatio('speed to the broker', bridge.ms / level.brokerMs, { atLeast: 5 })
  sayRatio('speed to a LevelDB receipt', bridge.ms / level.receiptMs, { atLeast: 1 })
  sayRatio('speed to a PostgreSQL receipt', bridge.ms / rows.receiptMs, { atLeast: 1 })
  sayRatio('bytes on the wire', level.wireBytes / bridge.wireBytes, { atMost: 0.25 })
}
