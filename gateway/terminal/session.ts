import type { Clock } from '../core/clock.js'
import { ERRORS, type ErrorCode, messageOf, TillbridgeError } from '../core/errors.js'
import type { StoreId, TerminalId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import type { Logger } from '../core/log.js'
import type { Random } from '../core/random.js'
import type { RetrySchedule } from '../core/retry-schedule.js'
import { SerialQueue } from '../core/serial-queue.js'
import { type ClockState, type Event, eventSource } from '../event/event.js'
import type { CommandOutcome, LinkCommand } from '../line/link/link.js'
import type { Connection, Transport } from '../line/transport/transport.js'
import type { Capture, Dialect } from '../profile/dialect.js'
import type { KeyedDigest } from '../security/keyed-digest.js'
import { Conversation, type Settlement } from './conversation.js'
import { decodeFrame, type Frame, partsRejection, rejection } from './frame-decoder.js'
import { GatheredParts } from './gathered-parts.js'
import type { FragmentChange, Fragments, Ingest, IngestOutcome } from './ingest.js'
import { statedEvent } from './stated-event.js'

export interface SessionOptions {
  readonly store: StoreId
  readonly terminal: TerminalId
  readonly timeZone: string
  readonly dialect: Dialect
  readonly transport: Transport
  readonly ingest: Ingest
  readonly fragments: Fragments
  readonly retry: RetrySchedule
  readonly clock: Clock
  readonly random: Random
  readonly clockState: () => ClockState
  readonly keyedDigest: KeyedDigest
  /** A frame was dropped for the card data in it: someone has to look. */
  readonly onCardData: (reason: string) => void
  readonly logger: Logger
}

/** What passes when there is room again. */
const HELD: ReadonlySet<ErrorCode> = new Set(['TB_JOURNAL_FULL', 'TB_JOURNAL_WRITE'])

type LineState =
  | { readonly type: 'opening'; readonly reason?: string }
  | { readonly type: 'connected' }
  | { readonly type: 'lost'; readonly reason: string }
  /** The line is open, and the terminal answers nothing that it is asked. */
  | { readonly type: 'silent'; readonly reason: string }
  | { readonly type: 'stopped' }

interface Counters {
  readonly framesTotal: number
  readonly eventsTotal: number
  readonly rejectedTotal: number
  readonly discardedBytes: number
  readonly nakTotal: number
  /** Requests that the terminal did not answer in time. */
  readonly timeoutTotal: number
}

/** State and counters of one terminal, since the process started. */
export interface SessionStatus extends Counters {
  readonly terminal: TerminalId
  readonly profile: string
  readonly address: string
  readonly state: LineState['type']
  readonly reason?: string
}

/** One terminal for as long as the gateway runs: opens its line, listens, and opens it again. */
export class TerminalSession {
  readonly #options: SessionOptions
  readonly #parts: GatheredParts
  /** A frame, or parts that waited too long: one at a time. */
  readonly #turns = new SerialQueue()
  #counters: Counters = {
    framesTotal: 0,
    eventsTotal: 0,
    rejectedTotal: 0,
    discardedBytes: 0,
    nakTotal: 0,
    timeoutTotal: 0,
  }
  #conversation: Conversation | undefined
  #line: LineState = { type: 'opening' }
  /** Why the last message was not taken. */
  #refusal: ErrorCode | undefined
  /** A whole frame came since the line was opened. */
  #hasSpoken = false

  constructor(options: SessionOptions) {
    this.#options = options
    const { store, terminal, dialect, fragments, clock } = options
    this.#parts = new GatheredParts({
      source: eventSource(store, terminal),
      fragments,
      clock,
      isUnfinished: held => dialect.isUnfinished(held),
      onIdle: held => void this.#turns.run(() => this.#giveUp(held)),
    })
  }

  get status(): SessionStatus {
    const { terminal, dialect, transport } = this.#options
    const reason = 'reason' in this.#line ? this.#line.reason : undefined
    return {
      terminal,
      profile: dialect.id,
      address: transport.address,
      state: this.#line.type,
      ...(reason === undefined ? {} : { reason }),
      ...this.#counters,
    }
  }

  /** Until the signal aborts; what was being settled then is settled and answered first. */
  async run(signal: AbortSignal): Promise<void> {
    const { dialect, transport, retry, clock, logger } = this.#options
    if (dialect.gathers) await this.#parts.read()
    while (!signal.aborted) {
      try {
        await this.#converse(await transport.connect(signal), signal)
      } catch (thrown) {
        if (!isLineFailure(thrown)) throw thrown
        if (signal.aborted) break
        await this.#lineFailed(thrown)
        // A terminal that calls for each sale calls again at once; others wait longer and longer.
        const waitMs = this.#hasSpoken ? 0 : retry.nextMs()
        this.#hasSpoken = false
        logger.debug({ waitMs }, 'opening the line again')
        await clock.sleep(waitMs, signal)
      }
    }
    this.#parts.stop()
    this.#line = { type: 'stopped' }
  }

  async #converse(connection: Connection, signal: AbortSignal): Promise<void> {
    const { dialect, clock, logger, transport } = this.#options
    const conversation = new Conversation({
      connection,
      dialect,
      clock,
      host: {
        settle: frame => this.#turns.run(() => this.#settle(frame, signal)),
        framed: output => this.#framed(output),
        counted: counter =>
          this.#count({
            nakTotal: counter === 'nak' ? 1 : 0,
            timeoutTotal: counter === 'timeout' ? 1 : 0,
          }),
        silent: () => this.#fellSilent(),
      },
    })
    this.#conversation = conversation
    const finish = (): void => {
      conversation.finish().catch(thrown => logger.warn({ reason: messageOf(thrown) }, 'closing'))
    }
    signal.addEventListener('abort', finish, { once: true })
    try {
      this.#line = { type: 'connected' }
      logger.info({ address: transport.address, profile: dialect.id }, 'terminal connected')
      await this.#report('terminal.connected')
      await conversation.run()
    } finally {
      this.#conversation = undefined
      signal.removeEventListener('abort', finish)
      await connection.close()
    }
  }

  // Only a frame proves the line: a port that opens and drops again keeps being retried slower.
  #framed(output: { readonly type: 'frame' | 'discarded'; readonly raw: Uint8Array }): void {
    if (output.type === 'discarded') {
      this.#count({ discardedBytes: output.raw.length })
      return
    }
    this.#options.retry.reset()
    this.#hasSpoken = true
    this.#count({ framesTotal: 1 })
    if (this.#line.type !== 'silent') return
    this.#line = { type: 'connected' }
    void this.#turns.run(() => this.#report('terminal.connected'))
  }

  #fellSilent(): void {
    if (this.#line.type !== 'connected') return
    const reason = 'it answers nothing that it is asked'
    const { logger, transport } = this.#options
    logger.warn({ address: transport.address, reason }, 'terminal silent')
    this.#line = { type: 'silent', reason }
    void this.#turns.run(() => this.#report('terminal.lost', reason))
  }

  /** Has the terminal do something. Fails where its line is not open or its dialect has no such. */
  async command(command: LinkCommand): Promise<CommandOutcome> {
    const detail = 'the line is not open'
    const closed: CommandOutcome = { type: 'failed', reason: 'rejected', detail }
    return (await this.#conversation?.command(command)) ?? closed
  }

  #count(increments: Partial<Counters>): void {
    const { framesTotal, eventsTotal, rejectedTotal, discardedBytes } = this.#counters
    const { nakTotal, timeoutTotal } = this.#counters
    this.#counters = {
      framesTotal: framesTotal + (increments.framesTotal ?? 0),
      eventsTotal: eventsTotal + (increments.eventsTotal ?? 0),
      rejectedTotal: rejectedTotal + (increments.rejectedTotal ?? 0),
      discardedBytes: discardedBytes + (increments.discardedBytes ?? 0),
      nakTotal: nakTotal + (increments.nakTotal ?? 0),
      timeoutTotal: timeoutTotal + (increments.timeoutTotal ?? 0),
    }
  }

  // One event for each loss: the attempts that follow only change the reason in the status.
  async #lineFailed({ message: reason, code, advice }: TillbridgeError): Promise<void> {
    const { logger, transport } = this.#options
    const before = this.#line
    const isNews = !('reason' in before) || before.reason !== reason
    if (isNews) logger.warn({ address: transport.address, code, reason, advice }, 'no line')
    this.#line = before.type === 'opening' ? { type: 'opening', reason } : { type: 'lost', reason }
    if (before.type === 'connected') await this.#report('terminal.lost', reason)
  }

  async #report(type: 'terminal.connected' | 'terminal.lost', reason?: string): Promise<void> {
    const { dialect, transport, ingest, logger } = this.#options
    const event = statedEvent({
      type,
      capture: this.#capture(),
      dialect,
      data: {
        address: transport.address,
        ...(reason === undefined ? {} : { reason: reason.slice(0, 200) }),
      },
    })
    const outcome = await ingest([event])
    if (outcome.type === 'refused') logger.warn({ event: type, ...outcome }, 'not journaled')
  }

  async #settle(frame: Frame, signal: AbortSignal): Promise<Settlement> {
    const { dialect, keyedDigest } = this.#options
    const held = dialect.gathers ? await this.#parts.read() : []
    if (held === undefined) return 'refused'
    const reading = { dialect, frame, held, keyedDigest, capture: this.#capture() }
    const meaning = decodeFrame(reading)
    if (meaning.type === 'ignored') return 'ignored'
    if (meaning.type === 'dropped') return this.#drop(meaning)
    const change = meaning.held && this.#parts.changeTo(meaning.held)
    if (meaning.type === 'rejected') return this.#reject(meaning.event, change)
    if (meaning.type === 'part') return this.#keep(meaning.rejections, { change, signal })
    const outcome = await this.#offer(meaning.events, { change, signal })
    if (outcome.type === 'journaled') this.#count({ eventsTotal: meaning.events.length })
    if (outcome.type === 'summarised') return 'ignored'
    if (outcome.type !== 'refused') return outcome.type
    // Repeated it would be too large again: kept as a rejected frame it blocks nothing.
    if (outcome.code === 'TB_EVENT_TOO_LARGE')
      return this.#reject(rejection(reading, [outcome.code]), change)
    return 'refused'
  }

  /** These parts have waited for further ones for too long. */
  async #giveUp(held: readonly Uint8Array[]): Promise<void> {
    const { dialect, keyedDigest } = this.#options
    // A frame that waited before it may have changed them.
    if ((await this.#parts.read()) !== held) return
    const reading = { dialect, held, keyedDigest, capture: this.#capture() }
    const issue = `expected a further part within ${LIMITS.gatheredMs} ms`
    const event = partsRejection(reading, { givenUp: held, issue })
    await this.#reject(event, this.#parts.changeTo([]))
    // What was refused is held still, and waits again.
    await this.#parts.read()
  }

  /** A part of a message is kept; what was given up for it is rejected. */
  async #keep(
    rejections: readonly Event[],
    turn: { readonly change: FragmentChange | undefined; readonly signal: AbortSignal },
  ): Promise<Settlement> {
    const outcome = await this.#offer(rejections, turn)
    if (outcome.type === 'refused') return 'refused'
    this.#count({ rejectedTotal: rejections.length })
    return 'journaled'
  }

  /**
   * Where nobody says it again it is held here, and the line behind it, until there is room; only
   * the first refusal of many is news.
   */
  async #offer(
    events: readonly Event[],
    {
      change,
      signal,
    }: {
      readonly change: FragmentChange | undefined
      readonly signal: AbortSignal
    },
  ): Promise<IngestOutcome> {
    const { dialect, clock } = this.#options
    for (;;) {
      const outcome = await this.#ingest(events, change)
      this.#noteRefusal(outcome)
      const isHeld = outcome.type === 'refused' && HELD.has(outcome.code) && !dialect.link.answers
      if (!isHeld || signal.aborted) return outcome
      await clock.sleep(LIMITS.refusedRetryMs, signal)
    }
  }

  async #ingest(
    events: readonly Event[],
    change: FragmentChange | undefined,
  ): Promise<IngestOutcome> {
    const outcome = await this.#options.ingest(events, change)
    if (change !== undefined) this.#parts.settled(change, outcome.type !== 'refused')
    return outcome
  }

  #noteRefusal(outcome: IngestOutcome): void {
    const code = outcome.type === 'refused' ? outcome.code : undefined
    if (outcome.type === 'refused' && outcome.code !== this.#refusal) {
      const { reason } = outcome
      const advice = ERRORS[outcome.code]
      this.#options.logger.error({ code, reason, advice }, 'not taken: the terminal has to wait')
    }
    this.#refusal = code
  }

  async #drop(dropped: { readonly what: string; readonly event: Event }): Promise<Settlement> {
    const { terminal, onCardData } = this.#options
    onCardData(`${terminal} sent ${dropped.what}; its message was dropped (docs/card-data.md)`)
    return this.#reject(dropped.event)
  }

  async #reject(event: Event, change?: FragmentChange): Promise<Settlement> {
    this.#count({ rejectedTotal: 1 })
    const outcome = await this.#ingest([event], change)
    return outcome.type === 'refused' ? 'refused' : 'rejected'
  }

  #capture(): Capture {
    const { store, terminal, timeZone, clock, random, clockState } = this.#options
    return { store, terminal, timeZone, clock, random, clockState: clockState() }
  }
}

/** What lines do; anything else that is thrown is a defect and must not pass for a bad cable. */
function isLineFailure(thrown: unknown): thrown is TillbridgeError {
  return thrown instanceof TillbridgeError && thrown.code.startsWith('TB_LINE_')
}
