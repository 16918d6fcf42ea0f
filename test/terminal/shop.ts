import type { Test } from 'tap'
import { concatBytes } from '../../gateway/core/bytes.js'
import { type Clock, systemClock } from '../../gateway/core/clock.js'
import { terminalId } from '../../gateway/core/ids.js'
import { type Logger, silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import { RetrySchedule } from '../../gateway/core/retry-schedule.js'
import { decodeEvent, type Event } from '../../gateway/event/event.js'
import { JournalIngest } from '../../gateway/ingest/journal-ingest.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { NullModem } from '../../gateway/line/transport/null-modem.js'
import type { Connection, Transport } from '../../gateway/line/transport/transport.js'
import type { Dialect } from '../../gateway/profile/dialect.js'
import { loadRegistry } from '../../gateway/profile/registry.js'
import { keyedDigestOf } from '../../gateway/security/keyed-digest.js'
import type { Ingest } from '../../gateway/terminal/ingest.js'
import { type SessionOptions, TerminalSession } from '../../gateway/terminal/session.js'
import { journalIn } from '../journal/open.js'
import { STORE } from '../support/sample.js'

/** A till's end of the line: what it heard so far, and how to speak. */
export interface TillEnd {
  heard(): Uint8Array
  send(bytes: Uint8Array): Promise<void>
}

/** One session on a null modem over a real journal, running until the test ends. */
export interface SessionUnderTest {
  readonly session: TerminalSession
  readonly dialect: Dialect
  readonly journal: Journal
  readonly modem: NullModem
  readonly till: TillEnd
  /** The till's end anew, after the line was cut. */
  connect(): Promise<TillEnd>
  /** Why an alarm for card data was asked for. */
  readonly alarms: readonly string[]
  /** Ends the session as a stopping gateway does. */
  stop(): Promise<void>
  events(): Promise<readonly Event[]>
}

export async function startSession(
  t: Pick<Test, 'teardown' | 'testdir'>,
  options: {
    readonly profile: string
    readonly firmware?: string
    readonly ingest?: (journal: Journal) => Ingest
    readonly logger?: Logger
    readonly clock?: Clock
    /** The line; the gateway's end of the null modem where it is left out. */
    readonly transport?: Transport
    readonly terminal?: string
    readonly dialect?: Dialect
    /** That of another session of the same shop; one of its own where it is left out. */
    readonly journal?: Journal
    /** Profiles beside the built-in ones. */
    readonly folders?: readonly string[]
    /** In place of what a session has of itself. */
    readonly own?: Partial<SessionOptions>
  },
): Promise<SessionUnderTest> {
  const journal = options.journal ?? (await journalIn(t.testdir()))
  const { profile, firmware = '1.0', folders } = options
  const dialect = options.dialect ?? (await dialectOf(profile, firmware, folders))
  const modem = new NullModem({ clock: systemClock })
  const [gatewayEnd, tillEnd] = modem.ends
  const alarms: string[] = []
  const ordinary = new JournalIngest({ journal, logger: silentLogger })
  const session = new TerminalSession({
    store: STORE,
    terminal: terminalId(options.terminal ?? 'till-1'),
    timeZone: 'Europe/Berlin',
    dialect,
    transport: options.transport ?? gatewayEnd,
    ingest: options.ingest?.(journal) ?? ((...given) => ordinary.ingest(...given)),
    fragments: source => ordinary.fragments(source),
    retry: new RetrySchedule({ firstMs: 10, maxMs: 50, random: systemRandom }),
    clock: options.clock ?? systemClock,
    random: systemRandom,
    clockState: () => 'synced',
    isClosing: () => false,
    keyedDigest: keyedDigestOf(Uint8Array.of(1)),
    onCardData: reason => alarms.push(reason),
    logger: options.logger ?? silentLogger,
    ...options.own,
  })
  const connect = async (): Promise<TillEnd> =>
    listen(await tillEnd.connect(new AbortController().signal))
  const till = await connect()
  const stopping = new AbortController()
  const running = session.run(stopping.signal)
  const stop = async (): Promise<void> => {
    stopping.abort()
    await running
  }
  t.teardown(async () => {
    await stop()
    if (options.journal === undefined) await journal.close()
  })
  const events = () => eventsOf(journal)
  return { session, dialect, journal, modem, till, connect, alarms, stop, events }
}

export async function dialectOf(
  profile: string,
  firmware: string,
  extraFolders: readonly string[] = [],
): Promise<Dialect> {
  const registry = await loadRegistry({ extraFolders })
  if (!registry.ok) throw new Error(registry.error.join('\n'))
  const dialect = registry.value.dialectOf({ profile, firmware })
  if (!dialect.ok) throw dialect.error
  return dialect.value
}

function listen(connection: Connection): TillEnd {
  const heard: Uint8Array[] = []
  const reading = async (): Promise<void> => {
    for await (const chunk of connection) heard.push(chunk.bytes)
  }
  // The line may be cut by the test: what was heard until then is what counts.
  reading().catch(() => undefined)
  return { heard: () => concatBytes(heard), send: bytes => connection.write(bytes) }
}

async function eventsOf(journal: Journal): Promise<readonly Event[]> {
  const { epoch } = journal
  const slice = await journal.read({ epoch, first: 1, last: 1_000_000, maxBytes: 1e9 })
  return slice.records.flatMap(({ body }) => {
    if (body.type !== 'event') return []
    const event = decodeEvent(body.bytes)
    if (!event.ok) throw new Error(event.error)
    return [event.value]
  })
}
