import { mkdir, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { toHex } from '../core/bytes.js'
import { type Clock, systemClock } from '../core/clock.js'
import { TillbridgeError } from '../core/errors.js'
import { type StoreId, storeId } from '../core/ids.js'
import { systemRandom } from '../core/random.js'
import type { ProfileRegistry } from '../profile/registry.js'
import { SimulatedAir } from '../simulator/bluez/simulated-air.js'
import type { CheckReport } from '../simulator/ledger-checker.js'
import { LedgerFeed } from '../simulator/ledger-feed.js'
import { LineTail } from '../simulator/line-tail.js'
import { type LinkFault, openLinkFault } from '../simulator/link-fault.js'
import { LiveCheck } from '../simulator/live-check.js'
import { RateMeter } from '../simulator/rate-meter.js'
import type { TerminalOptions } from '../simulator/simulated-terminal.js'
import { StatusFeed } from '../simulator/status-feed.js'
import {
  demoTerminals,
  hqClientsYaml,
  SimulatedStore,
  shopYaml,
  storePaths,
} from '../simulator/store.js'
import { type ProcessState, SupervisedProcess } from '../simulator/supervised-process.js'
import { DEFAULT_TOPIC_ROOT, topicsUnder } from '../wire/topics.js'
import { freePort } from './free-port.js'
import type { DemoView } from './screen.js'

const STORE: StoreId = storeId('store-001')
/** HQ's broker and the ledger behind it are up well within this, even on a slow card. */
const HQ_UP_MS = 20_000
const LOOK_MS = 50
/** Files with passwords in them. */
const SECRET = { mode: 0o600 } as const
/** What a process gets to end by itself: the gateway's own limit, and a little. */
const STOP_MS = 22_000
/** How long the last sales get to reach HQ after the tills have closed. */
const DRAIN_MS = 5_000

interface Parts {
  readonly dataDir: string
  readonly listenCommand: string
  readonly terminals: readonly string[]
  readonly air: SimulatedAir | undefined
  /** Why there are no terminals on Bluetooth. */
  readonly airless: string | undefined
  readonly hq: SupervisedProcess
  readonly gateway: SupervisedProcess
  readonly link: LinkFault
  readonly status: StatusFeed
  readonly check: LiveCheck
  readonly store: SimulatedStore
  readonly clock: Clock
}

/**
 * A shop and its HQ on one machine: HQ and gateway as processes of their own, the terminals here.
 * Everything it does to them (pulling the link, killing) goes through the same ways as in life.
 */
export class Demo {
  readonly #parts: Parts
  readonly #closing = new AbortController()
  readonly #rate = new RateMeter()
  readonly #startedMs: number
  readonly #selling: Promise<void>
  #report: CheckReport

  private constructor(parts: Parts, report: CheckReport) {
    this.#parts = parts
    this.#report = report
    this.#startedMs = parts.clock.monotonicMs()
    const { signal } = this.#closing
    this.#selling = Promise.all([parts.store.run(signal), parts.air?.run(signal)]).then(
      () => undefined,
    )
  }

  /**
   * Starts everything; resolves when the terminals sell.
   * @throws TillbridgeError TB_PTY_UNAVAILABLE, TB_INTERNAL where HQ did not come up
   */
  static async start(options: {
    readonly dataDir: string
    /** The script of this command line, for the child processes. */
    readonly script: string
    readonly env: Readonly<Record<string, string | undefined>>
    readonly registry: ProfileRegistry
    /** Told of every change of a child process. */
    readonly onChange: (name: 'hq' | 'gateway', state: ProcessState) => void
  }): Promise<Demo> {
    const { dataDir, script, env, registry, onChange } = options
    const clock = systemClock
    const paths = storePaths(dataDir)
    const [hqPort, brokerPort] = [await freePort(), await freePort()]
    const link = await openLinkFault({ target: hqPort })
    const terminals = demoTerminals(dataDir)
    const airing = await SimulatedAir.open(registry)
    const air = airing.ok ? airing.value : undefined
    const shop = {
      store: STORE,
      dataDir: paths.gateway,
      hqPort: link.port,
      brokerPort,
      terminals,
      others: air?.terminals ?? [],
    }
    const hqPassword = newPassword()
    const listener = { name: 'listener', password: newPassword() }
    await mkdir(dataDir, { recursive: true })
    await writeFile(paths.config, shopYaml({ ...shop, hqPassword }), SECRET)
    const clients = { store: STORE, storePassword: hqPassword, listener, random: systemRandom }
    await writeFile(paths.hqClients, await hqClientsYaml(clients), SECRET)
    const child = (name: 'hq' | 'gateway', args: readonly string[]): SupervisedProcess =>
      new SupervisedProcess({
        args: [script, ...args],
        env: { ...env, ...air?.env },
        logPath: paths.log(name),
        clock,
        onChange: state => onChange(name, state),
      })
    const listen = `127.0.0.1:${hqPort}`
    const asks = ['--listen', listen, '--clients', paths.hqClients]
    const hq = child('hq', ['hq', '--data', paths.hq, ...asks])
    const gateway = child('gateway', ['run', '--config', paths.config])
    const store = new SimulatedStore({ terminals, registry })
    hq.start()
    await isUp(hq, { port: hqPort, clock, logPath: paths.log('hq') })
    gateway.start()
    const status = new StatusFeed({
      port: brokerPort,
      store: STORE,
      topics: topicsUnder(DEFAULT_TOPIC_ROOT),
    })
    status.start()
    const check = liveCheck(dataDir, terminals)
    const parts = {
      dataDir,
      listenCommand: listenCommandOf(hqPort, listener),
      terminals: [...terminals, ...(air?.terminals ?? [])].map(({ id }) => id),
      air,
      airless: airing.ok ? undefined : airing.error,
      hq,
      gateway,
      link,
      status,
      check,
      store,
      clock,
    }
    return new Demo(parts, await check.update())
  }

  /** The command with which to listen as HQ would. */
  get listenCommand(): string {
    return this.#parts.listenCommand
  }

  /** Why the shop has no terminals on Bluetooth; undefined where it has. */
  get airless(): string | undefined {
    return this.#parts.airless
  }

  toggleLink(): void {
    const { link } = this.#parts
    if (link.state === 'up') link.pull()
    else link.restore()
  }

  killGateway(): void {
    this.#parts.gateway.kill('SIGKILL')
  }

  /** Looks at everything again. */
  async look(): Promise<DemoView> {
    const { check, clock } = this.#parts
    this.#report = await check.update()
    this.#rate.note(this.#report.acknowledged, clock.monotonicMs())
    return this.#view()
  }

  /** Closes the tills, lets the last sales reach HQ where they can, ends the processes. */
  async stop(): Promise<DemoView> {
    const { gateway, hq, link, status, clock, air } = this.#parts
    this.#closing.abort()
    await this.#selling
    const giveUpMs = clock.monotonicMs() + (link.state === 'up' ? DRAIN_MS : 0)
    let view = await this.look()
    while (view.check.waiting > 0 && clock.monotonicMs() < giveUpMs) {
      await clock.sleep(LOOK_MS)
      view = await this.look()
    }
    await status.stop()
    await gateway.stop(STOP_MS)
    view = await this.look()
    await hq.stop(STOP_MS)
    await link.close()
    await air?.close()
    return view
  }

  #view(): DemoView {
    const { dataDir, terminals, status, link, gateway, hq, check, clock } = this.#parts
    const heard = status.latest
    const { found, waiting, lost, doubled, findings, chain } = this.#report
    return {
      store: STORE,
      dataDir,
      uptimeMs: clock.monotonicMs() - this.#startedMs,
      airless: this.airless,
      terminals: terminals.map(id => {
        const terminal = heard?.terminals.find(one => one.terminal === id)
        return {
          id,
          profile: terminal?.profile ?? '',
          state: terminal?.state ?? 'waiting',
          events: terminal?.eventsTotal ?? 0,
        }
      }),
      salesPerMinute: this.#rate.perMinute,
      backlog: heard?.journal.backlog,
      autonomyHours: heard?.journal.autonomyHours,
      link: link.state === 'up' ? 'up' : 'pulled',
      gateway: {
        text: describe(gateway),
        pid: gateway.state.type === 'running' ? gateway.state.pid : undefined,
      },
      hq: describe(hq),
      ledgerRows: check.ledgerRows,
      check: { found, waiting, lost, doubled, verified: chain.verified, findings },
      listen: this.listenCommand,
    }
  }
}

function liveCheck(dataDir: string, terminals: readonly TerminalOptions[]): LiveCheck {
  const paths = storePaths(dataDir)
  const tills = terminals
    .filter(({ kind }) => kind.type === 'register')
    .map(({ id }) => new LineTail(paths.tillLog(id)))
  return new LiveCheck({ ledger: new LedgerFeed({ socketPath: paths.hqSocket }), tills })
}

function listenCommandOf(
  port: number,
  { name, password }: { readonly name: string; readonly password: string },
): string {
  return (
    `mosquitto_sub -h 127.0.0.1 -p ${port} -u ${name} -P ${password} ` +
    `-t '${DEFAULT_TOPIC_ROOT}/+/events/#' -v`
  )
}

/** Made anew for each run: they guard a loopback that other users of the machine share. */
function newPassword(): string {
  return toHex(systemRandom.bytes(6))
}

/** Removes what an earlier run left, and nothing that is not of a demo. */
export async function forget(dataDir: string): Promise<void> {
  const { config, gateway, hq, tills } = storePaths(dataDir)
  for (const path of [config, gateway, hq, tills]) await rm(path, { recursive: true, force: true })
}

async function isUp(
  hq: SupervisedProcess,
  options: { readonly port: number; readonly clock: Clock; readonly logPath: string },
): Promise<void> {
  const { port, clock, logPath } = options
  const giveUpMs = clock.monotonicMs() + HQ_UP_MS
  while (!(await answers(port))) {
    if (hq.state.type === 'running' && clock.monotonicMs() < giveUpMs) await clock.sleep(LOOK_MS)
    else {
      await hq.stop(STOP_MS)
      throw new TillbridgeError('TB_INTERNAL', `HQ did not come up; it says why in ${logPath}`)
    }
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

function describe(child: SupervisedProcess): string {
  const { state, deaths } = child
  const history =
    deaths === 0 ? '' : `, back after ${deaths === 1 ? 'a death' : `${deaths} deaths`}`
  switch (state.type) {
    case 'running':
      return `running, pid ${state.pid}${history}`
    case 'restarting':
      return `died (${state.reason}), coming back`
    case 'failed':
      return `did not come up: ${state.reason}`
    case 'stopped':
      return 'stopped'
  }
}
