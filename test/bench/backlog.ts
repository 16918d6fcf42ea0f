import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../../gateway/core/clock.js'
import { openPseudoTerminal, type PseudoTerminal } from '../../gateway/simulator/pseudo-terminal.js'
import { shopYaml, storePaths } from '../../gateway/simulator/store.js'
import { SupervisedProcess } from '../../gateway/simulator/supervised-process.js'
import { freePort } from '../support/mosquitto.js'
import { MAIN } from '../support/program.js'
import { receipt } from '../support/receipt.js'
import { STORE } from '../support/sample.js'
import { fillJournal } from './fill.js'
import { referenceDialect } from './reference-dialect.js'
import { say, sayRatio } from './report.js'

const RECORDS = 1_000_000
const STARTS = 5
/** After which a process that does nothing has settled. */
const SETTLE_MS = 10_000
/** The till repeats what nobody acknowledged, as tills do. */
const REPEAT_MS = 50

/** A shop whose HQ is away, and one till; the directory stays from start to start. */
class OfflineShop {
  readonly directory = mkdtempSync(join(tmpdir(), 'tillbridge-bench-'))
  readonly paths = storePaths(this.directory)
  readonly #link = this.paths.port('register-1')
  readonly #till: PseudoTerminal = openPseudoTerminal({ link: this.#link })
  #number = 0

  /** Milliseconds from the start of the process to the first ACK, and its memory once settled. */
  async run(): Promise<{ readonly firstSaleMs: number; readonly rssBytes: number }> {
    const kind = { type: 'register', model: 'lrc', log: this.paths.tillLog('register-1') } as const
    const common = { perMinute: 1, seed: 1, timeZone: 'UTC' }
    const terminals = [{ id: 'register-1', kind, link: this.#link, ...common }]
    const [hqPort, brokerPort] = [await freePort(), await freePort()]
    const { gateway: dataDir } = this.paths
    writeFileSync(
      this.paths.config,
      shopYaml({ store: STORE, dataDir, hqPort, brokerPort, terminals }),
    )
    const gateway = new SupervisedProcess({
      args: [MAIN, 'run', '--config', this.paths.config],
      env: process.env,
      logPath: this.paths.log('gateway'),
      clock: systemClock,
    })
    const dialect = await referenceDialect()
    this.#number += 1
    const frame = dialect.encode('sale', receipt(this.#number))
    let isAcked = false
    const silence = this.#till.onData(() => {
      isAcked = true
    })
    const startMs = performance.now()
    gateway.start()
    while (!isAcked) {
      await this.#till.write(frame)
      await delay(REPEAT_MS)
    }
    const firstSaleMs = performance.now() - startMs
    silence()
    await delay(SETTLE_MS)
    const rssBytes = rssOf(gateway)
    await gateway.stop(10_000)
    return { firstSaleMs, rssBytes }
  }

  close(): void {
    this.#till.close()
    rmSync(this.directory, { recursive: true })
  }
}

function rssOf({ state }: SupervisedProcess): number {
  if (state.type !== 'running') throw new Error('the gateway does not run')
  const status = readFileSync(`/proc/${state.pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}

/** Memory and start of a gateway with a long backlog beside one with none, HQ away in both. */
export async function benchBacklog(): Promise<void> {
  const empty = new OfflineShop()
  const full = new OfflineShop()
  mkdirSync(full.paths.gateway, { recursive: true })
  const filled = await fillJournal(join(full.paths.gateway, 'journal'), RECORDS)
  const sums = { emptyMs: 0, fullMs: 0, emptyRss: 0, fullRss: 0 }
  for (let start = 0; start < STARTS; start += 1) {
    const without = await empty.run()
    const loaded = await full.run()
    sums.emptyMs += without.firstSaleMs
    sums.fullMs += loaded.firstSaleMs
    sums.emptyRss += without.rssBytes
    sums.fullRss += loaded.rssBytes
  }
  empty.close()
  full.close()
  const megabytes = (bytes: number): string => (bytes / STARTS / 1024 / 1024).toFixed(0)
  const seconds = (ms: number): string => (ms / STARTS / 1000).toFixed(2)
  say(`a backlog of ${RECORDS} records beside none; means of ${STARTS} starts`)
  say(`  resident: ${megabytes(sums.fullRss)} MB beside ${megabytes(sums.emptyRss)} MB`)
  sayRatio('MB more', (sums.fullRss - sums.emptyRss) / STARTS / 1024 / 1024, { atMost: 20 })
  say(`  start to first ACK: ${seconds(sums.fullMs)} s beside ${seconds(sums.emptyMs)} s`)
  sayRatio('start to first ACK', sums.fullMs / sums.emptyMs, { atMost: 1.5 })
  sayRatio('written to disk, per byte of event', filled.writtenBytes / filled.eventBytes, {
    atMost: 3,
  })
}
