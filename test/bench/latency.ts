import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../gateway/core/clock.js'
import type { Database } from '../../gateway/core/database.js'
import { openJournalDatabase } from '../../gateway/journal/open-database.js'
import type { MqttJsConnection } from '../../gateway/mqtt/mqtt-js-connection.js'
import type { Dialect } from '../../gateway/profile/dialect.js'
import { openPseudoTerminal, type PseudoTerminal } from '../../gateway/simulator/pseudo-terminal.js'
import { shopYaml, storePaths } from '../../gateway/simulator/store.js'
import { SupervisedProcess } from '../../gateway/simulator/supervised-process.js'
import { freePort, startMosquitto } from '../support/mosquitto.js'
import { connectTo } from '../support/mqtt.js'
import { MAIN } from '../support/program.js'
import { receipt } from '../support/receipt.js'
import { until } from '../support/until.js'
import { referenceDialect } from './reference-dialect.js'
import { say, sayRatio, sayTimes, timed } from './report.js'

const SALES = 1_000
/** Not counted: the programs are still being compiled. */
const WARM_UP = 300
const EVENT_BYTES = 600

/** A promise that the next call of `ring` settles. */
class Bell {
  #resolve: (() => void) | undefined

  next(): Promise<void> {
    return new Promise(resolve => {
      this.#resolve = resolve
    })
  }

  ring(): void {
    this.#resolve?.()
    this.#resolve = undefined
  }
}

interface Bench {
  readonly till: PseudoTerminal
  readonly dialect: Dialect
  readonly acked: Bell
  readonly heard: Bell
  readonly bare: Database
  readonly bareConnection: MqttJsConnection
}

/** One bare synced put and one bare QoS 1 round trip: what no design can do without. */
async function bareCost({ bare, bareConnection }: Bench, index: number): Promise<number> {
  const key = Buffer.from(String(index).padStart(8, '0'))
  const value = Buffer.alloc(EVENT_BYTES, 0x61)
  const put = await timed(() => bare.batch([{ type: 'put', key, value }], { sync: true }))
  const payload = value
  return put + (await timed(() => bareConnection.publish({ topic: 'bench', payload })))
}

async function sell(
  { till, dialect, acked, heard }: Bench,
  number: number,
): Promise<{ readonly ackMs: number; readonly heardMs: number }> {
  const frame = dialect.encode('sale', receipt(number))
  const whenAcked = acked.next()
  const whenHeard = heard.next()
  const startMs = performance.now()
  await till.write(frame)
  await whenAcked
  const ackMs = performance.now() - startMs
  await whenHeard
  return { ackMs, heardMs: performance.now() - startMs }
}

/**
 * From the last byte on a real pseudo-terminal to the ACK and to an MQTT subscriber of HQ, through
 * the gateway, mosquitto and HQ as processes of their own; beside each sale the bare costs.
 */
async function measure(mode: 'ledger' | 'direct'): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'tillbridge-bench-'))
  const paths = storePaths(directory)
  mkdirSync(paths.tills, { recursive: true })
  const mosquitto = await startMosquitto()
  const link = paths.port('register-1')
  const kind = { type: 'register', model: 'lrc', log: paths.tillLog('register-1') } as const
  const yaml = shopYaml({
    store: 'store-001',
    dataDir: paths.gateway,
    hqPort: mosquitto.port,
    brokerPort: await freePort(),
    terminals: [{ id: 'register-1', kind, link, perMinute: 1, seed: 1, timeZone: 'UTC' }],
  })
  writeFileSync(paths.config, yaml.replace('hq:\n', `hq:\n  mode: ${mode}\n`))
  const child = (name: string, args: readonly string[]): SupervisedProcess =>
    new SupervisedProcess({
      args: [MAIN, ...args],
      env: { ...process.env, UV_THREADPOOL_SIZE: '16' },
      logPath: paths.log(name),
      clock: systemClock,
    })
  const till = openPseudoTerminal({ link })
  const url = `mqtt://127.0.0.1:${mosquitto.port}`
  const hq = child('hq', ['hq', '--data', paths.hq, '--broker', url])
  const gateway = child('gateway', ['run', '--config', paths.config])
  const heard = new Bell()
  const acked = new Bell()
  till.onData(() => acked.ring())
  let isConnected = false
  const subscriber = connectTo({ port: mosquitto.port })
  subscriber.subscribe('tillbridge/1/+/events/#', ({ topic }) => {
    if (topic.endsWith('sale.completed')) heard.ring()
    else isConnected ||= topic.endsWith('terminal.connected')
  })
  subscriber.start()
  const bareConnection = connectTo({ port: mosquitto.port })
  bareConnection.start()
  await until('connected', () => bareConnection.state.type === 'online')
  if (mode === 'ledger') hq.start()
  gateway.start()
  await until('the till is connected, and HQ knows', () => isConnected, 30_000)
  const bench: Bench = {
    till,
    dialect: await referenceDialect(),
    acked,
    heard,
    bare: await openJournalDatabase(join(directory, 'bare')),
    bareConnection,
  }
  const bare: number[] = []
  const acks: number[] = []
  const subscribers: number[] = []
  for (let number = 1; number <= WARM_UP + SALES; number += 1) {
    const bareMs = await bareCost(bench, number)
    const { ackMs, heardMs } = await sell(bench, number)
    if (number <= WARM_UP) continue
    bare.push(bareMs)
    acks.push(ackMs)
    subscribers.push(heardMs)
  }
  say(`${SALES} sales one after another, mode ${mode}`)
  const unit = sayTimes('one fsync + one QoS 1 round trip, bare', bare)
  const ack = sayTimes('last byte of a sale to its ACK', acks)
  const end = sayTimes('last byte of a sale to a subscriber at HQ', subscribers)
  sayRatio('ACK, p50', ack.p50 / unit.p50, { atMost: 3 })
  sayRatio('subscriber, p50', end.p50 / unit.p50, { atMost: 3 })
  sayRatio('subscriber, p99', end.p99 / unit.p99, { atMost: 3 })
  await gateway.stop(10_000)
  if (mode === 'ledger') await hq.stop(10_000)
  await Promise.all([subscriber.stop(1000), bareConnection.stop(1000), bench.bare.close()])
  till.close()
  await mosquitto.stop()
  rmSync(directory, { recursive: true })
}

export async function benchLatency(): Promise<void> {
  await measure('ledger')
  await measure('direct')
}
