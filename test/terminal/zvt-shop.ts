import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import { terminalId } from '../../gateway/core/ids.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import { RetrySchedule } from '../../gateway/core/retry-schedule.js'
import { decodeEvent, type Event } from '../../gateway/event/event.js'
import { JournalIngest } from '../../gateway/ingest/journal-ingest.js'
import type { Journal } from '../../gateway/journal/journal.js'
import type { CommandOutcome } from '../../gateway/line/link/link.js'
import { NullModem } from '../../gateway/line/transport/null-modem.js'
import type { Connection, Transport } from '../../gateway/line/transport/transport.js'
import type { Dialect } from '../../gateway/profile/dialect.js'
import { loadProfileFiles } from '../../gateway/profile/load.js'
import { ProtocolDialect } from '../../gateway/profile/protocol-dialect.js'
import { BUILT_IN_PROFILES } from '../../gateway/profile/registry.js'
import { keyedDigestOf } from '../../gateway/security/keyed-digest.js'
import type { TerminalLine } from '../../gateway/simulator/stop-and-wait.js'
import {
  type ZvtBehaviour,
  type ZvtMemory,
  ZvtTerminal,
} from '../../gateway/simulator/zvt-terminal.js'
import type { Ingest } from '../../gateway/terminal/ingest.js'
import { type SessionOptions, TerminalSession } from '../../gateway/terminal/session.js'
import { journalIn } from '../journal/open.js'
import { fairClock } from '../support/fair-clock.js'
import { STORE } from '../support/sample.js'
import { until } from '../support/until.js'

/** Silence of a real terminal takes minutes; of these it takes as long as a test may wait. */
const QUICK = { t2Ms: 120, t3Ms: 120, t4Ms: 200 }

/** To the journal, at this moment. */
let writes = 0

const clock = fairClock(() => writes > 0)

/** The built-in dialect, with timers that a test can wait for. */
export async function zvtDialect(name: 'ecr-serial' | 'ecr-tcp' | 'tap-tcp'): Promise<Dialect> {
  const files = await loadProfileFiles([BUILT_IN_PROFILES])
  if (!files.ok) throw new Error(files.error.join('\n'))
  const file = files.value.dialects.get(`zvt/${name}`)?.value
  if (file === undefined || !('protocol' in file) || file.protocol.type !== 'zvt')
    throw new Error(`no dialect zvt/${name}`)
  return new ProtocolDialect({ ...file, idleMs: 30, protocol: { ...file.protocol, ...QUICK } })
}

/** A session of the gateway with a payment terminal, until the test ends or it is stopped. */
export interface ZvtSession {
  command(verb: string, values?: Record<string, string | number>): Promise<CommandOutcome>
  isUnsettled(): Promise<boolean | undefined>
  /** The terminal is registered and has said what was last. */
  ready(): Promise<void>
  stop(): Promise<void>
}

export function startZvt(
  t: Pick<Test, 'teardown'>,
  options: {
    readonly dialect: Dialect
    readonly transport: Transport
    readonly journal: Journal
    readonly ingest?: (ordinary: Ingest) => Ingest
    readonly own?: Partial<SessionOptions>
  },
): ZvtSession {
  const { dialect, transport, journal } = options
  const ingest = new JournalIngest({ journal, logger: silentLogger })
  const ordinary: Ingest = async (...given) => {
    writes += 1
    try {
      return await ingest.ingest(...given)
    } finally {
      writes -= 1
    }
  }
  const session = new TerminalSession({
    store: STORE,
    terminal: terminalId('zvt-1'),
    timeZone: 'Europe/Berlin',
    dialect,
    transport,
    ingest: options.ingest?.(ordinary) ?? ordinary,
    fragments: source => ingest.fragments(source),
    retry: new RetrySchedule({ firstMs: 5, maxMs: 20, random: systemRandom }),
    clock,
    random: systemRandom,
    clockState: () => 'synced',
    isClosing: () => false,
    keyedDigest: keyedDigestOf(Uint8Array.of(1)),
    onCardData: () => undefined,
    logger: silentLogger,
    ...options.own,
  })
  const stopping = new AbortController()
  const running = session.run(stopping.signal)
  let count = 0
  const command: ZvtSession['command'] = (verb, values = {}) => {
    count += 1
    return session.command({ id: `command-${count}`, verb, values })
  }
  const stop = async (): Promise<void> => {
    stopping.abort()
    await running
  }
  t.teardown(stop)
  return {
    command,
    isUnsettled: () => session.isUnsettled(),
    stop,
    ready: () =>
      until('the terminal is ready', async () => {
        const outcome = await command('status')
        return outcome.type === 'successful'
      }),
  }
}

export async function eventsOf(journal: Journal): Promise<readonly Event[]> {
  const { epoch } = journal
  const slice = await journal.read({ epoch, first: 1, last: 1_000_000, maxBytes: 1e9 })
  return slice.records.flatMap(({ body }) => {
    if (body.type !== 'event') return []
    const event = decodeEvent(body.bytes)
    if (!event.ok) throw new Error(event.error)
    return [event.value]
  })
}

/** The far end of an open line, as a simulated terminal takes it. */
export function lineOf(connection: Connection): TerminalLine {
  let listener: (bytes: Uint8Array) => void = () => undefined
  const reading = async (): Promise<void> => {
    for await (const { bytes } of connection) listener(bytes)
  }
  // The test cuts lines: what was heard until then is what counts.
  reading().catch(() => undefined)
  return {
    write: bytes => connection.write(bytes),
    onData: heard => {
      listener = heard
      return () => {
        listener = () => undefined
      }
    },
  }
}

export type Wire = 'serial' | 'tcp'

/** A folder for each journal of this file. */
const FOLDERS = t.testdir()
let folders = 0
export function newFolder(): string {
  folders += 1
  return join(FOLDERS, String(folders))
}

export interface Counter {
  readonly memory: ZvtMemory
  readonly behaviours: ZvtBehaviour[]
  readonly keepsUnanswered: boolean
}

export function counter(options: { readonly keepsUnanswered?: boolean } = {}): Counter {
  const { keepsUnanswered = true } = options
  return { memory: { transactions: [] }, behaviours: [], keepsUnanswered }
}

export function plugIn(line: TerminalLine, wire: Wire, at: Counter): ZvtTerminal {
  return new ZvtTerminal({
    line,
    wire,
    clock,
    memory: at.memory,
    behave: () => at.behaviours.shift() ?? {},
    keepsUnanswered: at.keepsUnanswered,
    answerWithinMs: 50,
  })
}

/** The terminal behind a null modem; whenever the line is lost it is plugged in again. */
export async function attach(modem: NullModem, wire: Wire, at: Counter): Promise<() => void> {
  let terminal: ZvtTerminal | undefined
  const connect = async (): Promise<void> => {
    const connection = await modem.ends[1].connect(new AbortController().signal)
    terminal?.close()
    terminal = plugIn(lineOf(connection), wire, at)
  }
  await connect()
  return () => {
    terminal?.close()
    modem.cut()
    // The gateway's end may open first: what it says then is lost, as on a real line.
    connect().catch(() => undefined)
  }
}

interface Shop {
  readonly session: ZvtSession
  readonly journal: Journal
  readonly cut: () => void
}

export async function openShop(
  t: Test,
  options: {
    readonly wire: Wire
    readonly at: Counter
    readonly modem?: NullModem
    readonly ingest?: Parameters<typeof startZvt>[1]['ingest']
  },
): Promise<Shop> {
  const { wire, at, ingest } = options
  const journal = await journalIn(newFolder())
  t.teardown(() => journal.close())
  const modem = options.modem ?? new NullModem({ clock: systemClock })
  const cut = await attach(modem, wire, at)
  const dialect = await zvtDialect(wire === 'serial' ? 'ecr-serial' : 'ecr-tcp')
  const shared = ingest === undefined ? {} : { ingest }
  const session = startZvt(t, { dialect, transport: modem.ends[0], journal, ...shared })
  await session.ready()
  return { session, journal, cut }
}

const isPayment = ({ type }: Event): boolean => type.startsWith('payment.')
export const typesOf = async (journal: Journal): Promise<readonly string[]> =>
  (await eventsOf(journal)).filter(isPayment).map(({ type }) => type)

/** Amounts that HQ counts as paid, and those that the terminal does. */
export async function paid(journal: Journal, { memory }: Counter) {
  const events = await eventsOf(journal)
  const amounts = (type: string): readonly number[] =>
    events.flatMap(event =>
      event.type === type && 'amountMinor' in event.data ? [event.data.amountMinor] : [],
    )
  const taken = amounts('payment.reversed').length
  return {
    atHq: amounts('payment.approved').length - taken,
    atTerminal: memory.transactions.filter(({ state }) => state === 'kept').length,
  }
}
