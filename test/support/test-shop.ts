import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../gateway/core/clock.js'
import { LedgerFeed } from '../../gateway/simulator/ledger-feed.js'
import { LineTail } from '../../gateway/simulator/line-tail.js'
import { LiveCheck } from '../../gateway/simulator/live-check.js'
import type { TerminalOptions } from '../../gateway/simulator/simulated-terminal.js'
import { shopYaml, storePaths } from '../../gateway/simulator/store.js'
import { SupervisedProcess } from '../../gateway/simulator/supervised-process.js'
import type { TillModelName } from '../../gateway/simulator/till-model.js'
import { freePort, type Mosquitto, startMosquitto } from './mosquitto.js'

export const CLI = 'build/gateway/cli/main.js'

/** A till that sells a number of sales and is done. */
export interface TestTill {
  readonly id: string
  readonly model: TillModelName
  readonly sales: number
  readonly perMinute: number
  readonly resetCounterAfter?: number
}

/**
 * One shop and its HQ as real processes: tills on pseudo-terminals, the gateway, mosquitto as HQ's
 * broker, the ledger. Gateway and ledger come back when they are killed, as their supervisors would
 * have it.
 */
export class TestShop {
  readonly #tills: readonly TestTill[]
  readonly #seed: number
  readonly #directory = mkdtempSync(join(tmpdir(), 'tillbridge-e2e-'))
  readonly gateway: SupervisedProcess
  readonly ledger: SupervisedProcess
  #broker: Mosquitto

  private constructor(options: {
    readonly tills: readonly TestTill[]
    readonly seed: number
    readonly broker: Mosquitto
    readonly shopBrokerPort: number
  }) {
    const { tills, seed, broker, shopBrokerPort } = options
    this.#tills = tills
    this.#seed = seed
    this.#broker = broker
    const { config, gateway, hq } = this.paths
    writeFileSync(
      config,
      shopYaml({
        store: 'store-001',
        dataDir: gateway,
        hqPort: broker.port,
        brokerPort: shopBrokerPort,
        terminals: tills.map((_, index) => this.#terminal(index)),
      }),
    )
    this.gateway = this.#child('gateway', ['run', '--config', config])
    const url = `mqtt://127.0.0.1:${broker.port}`
    this.ledger = this.#child('hq', ['hq', '--data', hq, '--broker', url])
  }

  static async start(options: {
    readonly tills: readonly TestTill[]
    readonly seed: number
    /** The gateway's data go there; beside everything else where it is left out. */
    readonly gatewayDisk?: string
  }): Promise<TestShop> {
    const broker = await startMosquitto()
    const shop = new TestShop({ ...options, broker, shopBrokerPort: await freePort() })
    if (options.gatewayDisk !== undefined) symlinkSync(options.gatewayDisk, shop.paths.gateway)
    shop.ledger.start()
    shop.gateway.start()
    return shop
  }

  get paths() {
    return storePaths(this.#directory)
  }

  get brokerPort(): number {
    return this.#broker.port
  }

  /** Every till as a process of its own; resolves with their exit codes when all have sold. */
  async sell(): Promise<(number | null)[]> {
    return Promise.all(
      this.#tills.map(async ({ id, model, sales, perMinute, resetCounterAfter }, index) => {
        const { link, seed } = this.#terminal(index)
        const reset = resetCounterAfter
        const args = [
          ...['simulate', 'register', '--id', id, '--link', link, '--model', model],
          ...['--log', this.paths.tillLog(id), '--sales', String(sales)],
          ...['--per-minute', String(perMinute), '--seed', String(seed)],
          ...(reset === undefined ? [] : ['--reset-counter-after', String(reset)]),
        ]
        const child = spawn(process.execPath, [CLI, ...args], { stdio: 'ignore' })
        const [code] = await once(child, 'exit')
        return typeof code === 'number' ? code : null
      }),
    )
  }

  /** Kills HQ's broker and starts a new one in its place: nothing it had in memory is left. */
  async replaceBroker(): Promise<void> {
    const { port } = this.#broker
    await this.#broker.stop()
    this.#broker = await startMosquitto({ port })
  }

  /** The checker at work on this shop. */
  liveCheck(): LiveCheck {
    return new LiveCheck({
      ledger: new LedgerFeed({ socketPath: this.paths.hqSocket }),
      tills: this.#tills.map(({ id }) => new LineTail(this.paths.tillLog(id))),
    })
  }

  /** The ledger as `tillbridge hq export` gives it, and where it was written. */
  exportLedger(): { readonly rows: string; readonly file: string } {
    const args = [CLI, 'hq', 'export', '--data', this.paths.hq]
    const maxBuffer = 256 * 1024 * 1024
    const rows = execFileSync(process.execPath, args, { encoding: 'utf8', maxBuffer })
    const file = join(this.#directory, 'rows.ndjson')
    writeFileSync(file, rows)
    return { rows, file }
  }

  async stop(): Promise<void> {
    await this.gateway.stop(10_000)
    await this.ledger.stop(10_000)
    await this.#broker.stop()
    rmSync(this.#directory, { recursive: true })
  }

  #terminal(index: number): TerminalOptions {
    const till = this.#tills[index]
    if (till === undefined) throw new RangeError(`no till ${index}`)
    const { id, model, perMinute } = till
    return {
      id,
      kind: { type: 'register', model, log: this.paths.tillLog(id) },
      link: this.paths.port(id),
      perMinute,
      seed: this.#seed + index,
      timeZone: 'UTC',
    }
  }

  #child(name: string, args: readonly string[]): SupervisedProcess {
    return new SupervisedProcess({
      args: [CLI, ...args],
      env: process.env,
      logPath: this.paths.log(name),
      clock: systemClock,
    })
  }
}
