import { setMaxListeners } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { systemClock } from '../../gateway/core/clock.js'
import { storeId } from '../../gateway/core/ids.js'
import { seededRandom } from '../../gateway/core/random.js'
import { loadRegistry } from '../../gateway/profile/registry.js'
import { LedgerFeed } from '../../gateway/simulator/ledger-feed.js'
import { pacedLine } from '../../gateway/simulator/paced-line.js'
import { openPseudoTerminal, type PseudoTerminal } from '../../gateway/simulator/pseudo-terminal.js'
import { StatusFeed } from '../../gateway/simulator/status-feed.js'
import type { TerminalLine } from '../../gateway/simulator/stop-and-wait.js'
import { storePaths } from '../../gateway/simulator/store.js'
import { SupervisedProcess } from '../../gateway/simulator/supervised-process.js'
import type { StoreStatus } from '../../gateway/wire/status.js'
import { DEFAULT_TOPIC_ROOT, topicsUnder } from '../../gateway/wire/topics.js'
import { freePort, startMosquitto } from '../support/mosquitto.js'
import { CLI } from '../support/test-shop.js'
import { until } from '../support/until.js'
import { Account, readRow, type TerminalAccount } from './account.js'
import type { SoakTerminal } from './soak-terminal.js'

const STORE = 'store-001'
const LOOK_MS = 500
/** What a terminal that said nothing in the time of the run gets for its first word. */
const FIRST_WORD_MS = 60_000
/** What the last events get to reach HQ after the terminals have stopped. */
const DRAIN_MS = 180_000
/** The status is looked at every second: by then it counts what was asked last. */
const STATUS_MS = 1500

export interface SoakReport {
  readonly terminals: readonly TerminalAccount[]
  /** Of the gateway's process: share of one core, and the largest resident set seen. */
  readonly cpuShare: number
  readonly rssMiB: number
  /** As it was before the terminals stopped. */
  readonly status: StoreStatus | undefined
}

/**
 * A gateway and HQ as processes of their own, every terminal of the table on its line, for so long,
 * and until each has spoken.
 * Their bytes come at the pace of their baud rate by the simulator's doing: a pseudo-terminal
 * ignores its speed and refuses parity.
 */
export async function soak(options: {
  readonly terminals: readonly SoakTerminal[]
  readonly ms: number
  readonly seed: number
}): Promise<SoakReport> {
  const { terminals } = options
  const directory = mkdtempSync(join(tmpdir(), 'tillbridge-soak-'))
  const paths = storePaths(directory)
  const broker = await startMosquitto()
  const brokerPort = await freePort()
  writeFileSync(paths.config, shopYaml({ terminals, directory, hqPort: broker.port, brokerPort }))
  const hq = child(paths.log('hq'), [
    'hq',
    '--data',
    paths.hq,
    '--broker',
    `mqtt://127.0.0.1:${broker.port}`,
  ])
  const gateway = child(paths.log('gateway'), ['run', '--config', paths.config])
  const store = storeId(STORE)
  const status = new StatusFeed({
    port: brokerPort,
    store,
    topics: topicsUnder(DEFAULT_TOPIC_ROOT),
  })
  const lines = openLines(terminals, paths.port)
  const accounts = new Map(terminals.map(terminal => [terminal.id, new Account(terminal)]))
  const stop = new AbortController()
  setMaxListeners(1000, stop.signal)
  try {
    hq.start()
    gateway.start()
    status.start()
    const feed = new LedgerFeed({ socketPath: paths.hqSocket })
    const look = async (): Promise<void> => {
      for (const line of await feed.read().catch(() => []))
        for (const account of accounts.values()) account.add(readRow(line))
    }
    const common = { seed: options.seed, lines, accounts, signal: stop.signal }
    const asked = terminals.filter(({ isAsked }) => isAsked)
    const talking = terminals.filter(({ isAsked }) => !isAsked)
    const answering = plugIn({ ...common, terminals: asked })
    // What a port says before it is set up, nobody hears.
    await until('every line is open', () => areOpen(status.latest, terminals.length))
    const devices = [...answering, ...plugIn({ ...common, terminals: talking })]
    const before = usageOf(gateway)
    const startedMs = systemClock.monotonicMs()
    let rssMiB = 0
    const isOver = (): boolean => {
      const lasted = systemClock.monotonicMs() - startedMs
      const allSpoke = [...accounts.values()].every(({ hasSpoken }) => hasSpoken)
      return lasted >= options.ms + (allSpoke ? 0 : FIRST_WORD_MS)
    }
    while (!isOver()) {
      await systemClock.sleep(LOOK_MS)
      await look()
      rssMiB = Math.max(rssMiB, usageOf(gateway).rssMiB)
    }
    const { latest } = status
    const tookMs = systemClock.monotonicMs() - startedMs
    const cpuShare = (usageOf(gateway).cpuMs - before.cpuMs) / tookMs
    stop.abort()
    await Promise.all(devices)
    await systemClock.sleep(STATUS_MS)
    const timeouts = new Map(status.latest?.terminals.map(one => [one.terminal, one.timeoutTotal]))
    const drained = async (): Promise<boolean> => {
      await look()
      return [...accounts.values()].every(({ waiting }) => waiting === 0)
    }
    await until('all is in the ledger', drained, DRAIN_MS).catch(() => undefined)
    const reports = [...accounts].map(([id, account]) => account.report(timeouts.get(id) ?? 0))
    return { terminals: reports, cpuShare, rssMiB, status: latest }
  } finally {
    stop.abort()
    await status.stop()
    await gateway.stop(10_000)
    await hq.stop(10_000)
    await broker.stop()
    for (const { port } of lines.values()) port.close()
    rmSync(directory, { recursive: true })
  }
}

/** The name of a terminal's line: its own, or the one it shares. */
function lineOf({ id, bus }: SoakTerminal): string {
  return bus?.id ?? id
}

function openLines(
  terminals: readonly SoakTerminal[],
  portOf: (name: string) => string,
): ReadonlyMap<string, { readonly port: PseudoTerminal; readonly line: TerminalLine }> {
  const speeds = new Map(terminals.map(terminal => [lineOf(terminal), terminal.baudRate]))
  return new Map(
    [...speeds].map(([name, baudRate]) => {
      const port = openPseudoTerminal({ link: portOf(name) })
      return [name, { port, line: pacedLine(port, { baudRate, clock: systemClock }) }]
    }),
  )
}

function plugIn(options: {
  readonly terminals: readonly SoakTerminal[]
  readonly lines: ReadonlyMap<string, { readonly line: TerminalLine }>
  readonly accounts: ReadonlyMap<string, Account>
  readonly seed: number
  readonly signal: AbortSignal
}): readonly Promise<void>[] {
  const { terminals, lines, accounts, seed, signal } = options
  return terminals.map(async (terminal, index) => {
    const line = lines.get(lineOf(terminal))?.line
    const account = accounts.get(terminal.id)
    if (line === undefined || account === undefined) throw new RangeError(terminal.id)
    const registry = await loadRegistry({ extraFolders: [] })
    if (!registry.ok) throw new Error(registry.error.join('\n'))
    const dialect = registry.value.dialectOf(terminal)
    if (!dialect.ok) throw dialect.error
    const random = seededRandom(seed + index)
    await terminal.device(
      {
        line,
        dialect: dialect.value,
        clock: systemClock,
        random,
        pauseMs: meanMs => meanMs * (0.5 + random.unit()),
        begins: key => account.begins(key),
        sent: key => account.sent(key, systemClock.monotonicMs()),
        said: (key, how) =>
          account.said(key, how === undefined ? undefined : systemClock.monotonicMs()),
      },
      signal,
    )
  })
}

function shopYaml(options: {
  readonly terminals: readonly SoakTerminal[]
  readonly directory: string
  readonly hqPort: number
  readonly brokerPort: number
}): string {
  const { terminals, directory, hqPort, brokerPort } = options
  const paths = storePaths(directory)
  const buses = new Map(terminals.flatMap(({ bus, baudRate }) => (bus ? [[bus.id, baudRate]] : [])))
  const serial = (name: string, baudRate: number) => ({
    serial: { path: paths.port(name), baudRate, dataBits: 8, parity: 'none' },
  })
  return stringify({
    store: STORE,
    dataDir: paths.gateway,
    hq: { url: `mqtt://127.0.0.1:${hqPort}` },
    broker: { listen: `127.0.0.1:${brokerPort}` },
    buses: [...buses].map(([id, baudRate]) => ({ id, line: serial(id, baudRate) })),
    terminals: terminals.map(({ id, profile, firmware, baudRate, bus }) => ({
      id,
      profile,
      firmware,
      line: bus === undefined ? serial(id, baudRate) : { bus: bus.id },
      ...(bus === undefined ? {} : { address: bus.address }),
    })),
  })
}

function child(logPath: string, args: readonly string[]): SupervisedProcess {
  // tap loads itself into every Node by NODE_OPTIONS, and would answer signals for it.
  const { NODE_OPTIONS: _, ...rest } = process.env
  const env = { ...rest, UV_THREADPOOL_SIZE: '16' }
  return new SupervisedProcess({ args: [CLI, ...args], env, logPath, clock: systemClock })
}

function areOpen(status: StoreStatus | undefined, count: number): boolean {
  const open = status?.terminals.filter(({ state }) => state === 'connected' || state === 'silent')
  return open?.length === count
}

/** CPU time and resident memory of a process, from /proc. */
function usageOf({ state }: SupervisedProcess): {
  readonly cpuMs: number
  readonly rssMiB: number
} {
  if (state.type !== 'running') return { cpuMs: 0, rssMiB: 0 }
  const fields = readFileSync(`/proc/${state.pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  const ticks = Number(fields[11]) + Number(fields[12])
  const pages = Number(readFileSync(`/proc/${state.pid}/statm`, 'utf8').split(' ')[1])
  return { cpuMs: ticks * 10, rssMiB: (pages * 4096) / 1024 / 1024 }
}
