import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../gateway/core/clock.js'
import type { CheckReport } from '../../gateway/simulator/ledger-checker.js'
import { LedgerFeed } from '../../gateway/simulator/ledger-feed.js'
import { LineTail } from '../../gateway/simulator/line-tail.js'
import { LiveCheck } from '../../gateway/simulator/live-check.js'
import type { TerminalOptions } from '../../gateway/simulator/simulated-terminal.js'
import { shopYaml, storePaths } from '../../gateway/simulator/store.js'
import { type ProcessState, SupervisedProcess } from '../../gateway/simulator/supervised-process.js'
import type { TillModelName } from '../../gateway/simulator/till-model.js'
import { freePort, type Mosquitto, startMosquitto } from './mosquitto.js'

export const CLI = 'build/gateway/cli/main.js'
const CHECKER = 'build/gateway/simulator/ledger-checker.js'

/** Nine digits: as `tillbridge simulate` takes them. */
const SEEDS = 1_000_000_000

/** A till that sells a number of sales and is done, or until it is told to stop. */
export interface TestTill {
  readonly id: string
  readonly model: TillModelName
  readonly sales?: number
  readonly perMinute: number
  readonly resetCounterAfter?: number
}

export interface TestShopOptions {
  readonly tills: readonly TestTill[]
  readonly seed: number
  /** Lines of the broker's configuration. */
  readonly broker?: readonly string[]
  /** Ports that the gateway and HQ are given for the broker's; that itself where nothing is said. */
  readonly doors?: (brokerPort: number) => Promise<{ readonly shop: number; readonly hq: number }>
  /** A PostgreSQL ledger, as HQ and as the judge reach it; else HQ has one in its directory. */
  readonly ledger?: { readonly hqUrl: string; readonly judgeUrl: string }
  /** Processes of HQ on that ledger. */
  readonly receivers?: number
  /** The gateway's data go there; beside everything else where it is left out. */
  readonly gatewayDisk?: string
  /** Somebody else starts the gateway. */
  readonly isGatewayAway?: boolean
  /** HQ is not started yet. */
  readonly isHqAway?: boolean
}

/**
 * One shop and its HQ as real processes: tills on pseudo-terminals, the gateway, mosquitto as HQ's
 * broker, the ledger. Gateway and HQ come back when they are killed, as their supervisors would
 * have it.
 */
export class TestShop {
  readonly #options: TestShopOptions
  readonly directory = mkdtempSync(join(tmpdir(), 'tillbridge-e2e-'))
  readonly gateway: SupervisedProcess
  readonly receivers: readonly SupervisedProcess[]
  #broker: Mosquitto

  private constructor(
    options: TestShopOptions,
    made: {
      readonly broker: Mosquitto
      readonly doors: { readonly shop: number; readonly hq: number }
      readonly shopBrokerPort: number
    },
  ) {
    const { tills, receivers = 1, ledger } = options
    this.#options = options
    this.#broker = made.broker
    const { config, gateway, hq } = this.paths
    writeFileSync(
      config,
      shopYaml({
        store: 'store-001',
        dataDir: gateway,
        hqPort: made.doors.shop,
        brokerPort: made.shopBrokerPort,
        terminals: tills.map((_, index) => this.#terminal(index)),
      }),
    )
    this.gateway = this.#child('gateway', ['run', '--config', config])
    const place = ledger === undefined ? ['--data', hq] : ['--ledger', ledger.hqUrl]
    const broker = ['--broker', `mqtt://127.0.0.1:${made.doors.hq}`]
    this.receivers = Array.from({ length: receivers }, (_, index) => {
      const name = receivers === 1 ? [] : ['--name', `receiver-${index + 1}`]
      return this.#child(`hq-${index + 1}`, ['hq', ...place, ...broker, ...name])
    })
  }

  static async start(options: TestShopOptions): Promise<TestShop> {
    const config = ['allow_anonymous true', ...(options.broker ?? [])]
    const broker = await startMosquitto({ config })
    const { port } = broker
    const doors = (await options.doors?.(port)) ?? { shop: port, hq: port }
    const shop = new TestShop(options, { broker, doors, shopBrokerPort: await freePort() })
    if (options.gatewayDisk !== undefined) symlinkSync(options.gatewayDisk, shop.paths.gateway)
    if (options.isHqAway !== true) shop.startHq()
    if (options.isGatewayAway !== true) shop.gateway.start()
    return shop
  }

  get paths() {
    return storePaths(this.directory)
  }

  get brokerPort(): number {
    return this.#broker.port
  }

  /** HQ, where it is one process. */
  get ledger(): SupervisedProcess {
    const [first] = this.receivers
    if (first === undefined) throw new RangeError('a shop without HQ')
    return first
  }

  startHq(): void {
    for (const receiver of this.receivers) receiver.start()
  }

  /**
   * Every till as a process of its own; resolves with their exit codes when all have sold. One that
   * sells without end is told to stop by the signal, and finishes the sale in hand.
   */
  async sell(enough?: AbortSignal): Promise<(number | null)[]> {
    return Promise.all(
      this.#options.tills.map(async ({ sales }, index) => {
        const args = [CLI, ...this.#tillArgs(index)]
        const child = spawn(process.execPath, args, { stdio: 'ignore', env: plainEnv() })
        if (sales === undefined) enough?.addEventListener('abort', () => child.kill('SIGTERM'))
        const [code] = await once(child, 'exit')
        return typeof code === 'number' ? code : null
      }),
    )
  }

  /** Tills that are switched on again when they die, not started yet. */
  supervisedTills(): readonly SupervisedProcess[] {
    return this.#options.tills.map(({ id }, index) =>
      this.#child(id, this.#tillArgs(index), ({ type }) => {
        // Its number may be another shop's till next: our gateway must not answer that one.
        if (type !== 'running') rmSync(this.paths.port(id), { force: true })
      }),
    )
  }

  /** Kills HQ's broker; a new one in its place has nothing of what it had in memory. */
  async replaceBroker(whileAway: () => Promise<void> | void = () => undefined): Promise<void> {
    const { port } = this.#broker
    await this.#broker.stop()
    await whileAway()
    const config = ['allow_anonymous true', ...(this.#options.broker ?? [])]
    this.#broker = await startMosquitto({ port, config })
  }

  /** The checker at work on this shop. */
  liveCheck(): LiveCheck {
    return new LiveCheck({
      ledger: new LedgerFeed({ socketPath: this.paths.hqSocket }),
      tills: this.tillTails(),
    })
  }

  tillTails(): readonly LineTail[] {
    return this.#options.tills.map(({ id }) => new LineTail(this.paths.tillLog(id)))
  }

  /**
   * The tills' own logs against the ledger's rows, by the checker as a process of its own. `rows`
   * are what `tillbridge hq export` gives.
   */
  async judge(): Promise<{
    readonly rows: string
    readonly report: CheckReport
    readonly isSound: boolean
  }> {
    const file = await this.exportLedger()
    const args = [CHECKER, '--tills', this.paths.tills, '--ledger', file]
    const { status, stdout } = await collect(process.execPath, args)
    return { rows: readFileSync(file, 'utf8'), report: JSON.parse(stdout), isSound: status === 0 }
  }

  /** The file that `tillbridge hq export` was written to. */
  async exportLedger(): Promise<string> {
    const { ledger } = this.#options
    const place = ledger === undefined ? ['--data', this.paths.hq] : ['--ledger', ledger.judgeUrl]
    const file = join(this.directory, 'rows.ndjson')
    const output = openSync(file, 'w')
    const args = [CLI, 'hq', 'export', ...place]
    const child = spawn(process.execPath, args, { stdio: ['ignore', output, 'inherit'] })
    const [code] = await once(child, 'exit')
    closeSync(output)
    if (code !== 0) throw new Error(`the export ended with ${code}`)
    return file
  }

  async stop(): Promise<void> {
    await this.gateway.stop(10_000)
    await Promise.all(this.receivers.map(receiver => receiver.stop(10_000)))
    await this.#broker.stop()
    rmSync(this.directory, { recursive: true })
  }

  #tillArgs(index: number): readonly string[] {
    const { id, model, sales, perMinute, resetCounterAfter: reset } = this.#till(index)
    const { link, seed } = this.#terminal(index)
    return [
      ...['simulate', 'register', '--id', id, '--link', link, '--model', model],
      ...['--log', this.paths.tillLog(id), '--per-minute', String(perMinute)],
      ...['--seed', String(seed)],
      ...(sales === undefined ? [] : ['--sales', String(sales)]),
      ...(reset === undefined ? [] : ['--reset-counter-after', String(reset)]),
    ]
  }

  #till(index: number): TestTill {
    const till = this.#options.tills[index]
    if (till === undefined) throw new RangeError(`no till ${index}`)
    return till
  }

  #terminal(index: number): TerminalOptions {
    const { id, model, perMinute } = this.#till(index)
    return {
      id,
      kind: { type: 'register', model, log: this.paths.tillLog(id) },
      link: this.paths.port(id),
      perMinute,
      seed: (this.#options.seed + index) % SEEDS,
      timeZone: 'UTC',
    }
  }

  #child(
    name: string,
    args: readonly string[],
    onChange: (state: ProcessState) => void = () => undefined,
  ): SupervisedProcess {
    return new SupervisedProcess({
      args: [CLI, ...args],
      env: plainEnv(),
      logPath: this.paths.log(name),
      clock: systemClock,
      onChange,
    })
  }
}

/** tap loads itself into every Node by NODE_OPTIONS, and would answer signals for it. */
function plainEnv(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, ...env } = process.env
  return env
}

/** Asynchronously: what stands between the shop's processes may live in this one. */
async function collect(program: string, args: readonly string[]) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += text
  })
  const [status] = await once(child, 'close')
  return { status, stdout }
}
