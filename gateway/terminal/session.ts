import type { Clock } from '../core/clock.js'
import { ERRORS, type ErrorCode, messageOf, type TillbridgeError } from '../core/errors.js'
import type { StoreId, TerminalId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import type { Logger } from '../core/log.js'
import type { Random } from '../core/random.js'
import type { RetrySchedule } from '../core/retry-schedule.js'
import { SerialQueue } from '../core/serial-queue.js'
import { type ClockState, type Event, eventSource } from '../event/event.js'
import type { CommandOutcome, LinkCommand } from '../line/link/link.js'
import { isLineFailure } from '../line/transport/line-error.js'
import type { Connection, Transport } from '../line/transport/transport.js'
import { type Capture, type Dialect, isSameLine } from '../profile/dialect.js'
import type { KeyedDigest } from '../security/keyed-digest.js'
import { Conversation, LINE_CLOSED, type RawWrite, type Settlement } from './conversation.js'
import { type Counters, counted, countOf, NOTHING_COUNTED } from './counters.js'
import { decodeFrame, type Frame, partsRejection, rejection } from './frame-decoder.js'
import { GatheredParts } from './gathered-parts.js'
import { isHeld } from './held.js'
import type { Identity } from './identify.js'
import type { FragmentChange, Fragments, Ingest, IngestOutcome, Turn } from './ingest.js'
import { LineWatch, type Unusable } from './line-watch.js'
import { Overheard } from './overheard.js'
import type { SessionStatus } from './session-status.js'
import { statedEvent } from './stated-event.js'

export interface SessionOptions {
  readonly store: StoreId
  readonly terminal: TerminalId
  readonly timeZone: string
  /** What to speak at first. */
  readonly dialect: Dialect
  readonly transport: Transport
  /** The line as another dialect wants it set; absent: it cannot be set. */
  readonly transportFor?: (dialect: Dialect) => Transport
  /** Finds out, on a line just opened, what is to be spoken on it. */
  readonly identify?: (line: Overheard) => Promise<Identity>
  readonly ingest: Ingest
  readonly fragments: Fragments
  readonly retry: RetrySchedule
  readonly clock: Clock
  readonly random: Random
  readonly clockState: () => ClockState
  /** From then on a terminal that begins something, and is answered, is told to wait. */
  readonly isClosing: () => boolean
  readonly keyedDigest: KeyedDigest
  /** A frame was dropped for the card data in it: someone has to look. */
  readonly onCardData: (reason: string) => void
  readonly logger: Logger
}

/** One terminal for as long as the gateway runs: opens its line, listens, and opens it again. */
export class TerminalSession {
  readonly #options: SessionOptions
  #dialect: Dialect
  #transport: Transport
  /** As it was stated last. */
  #firmware: string | undefined
  #askedMs = 0
  /** The line is opened anew for our own reasons: nobody lost it. */
  #isReopening = false
  readonly #parts: GatheredParts
  /** A frame, or parts that waited too long: one at a time. */
  readonly #turns = new SerialQueue()
  #counters = NOTHING_COUNTED
  #conversation: Conversation | undefined
  readonly #line: LineWatch
  /** Why the last message was not taken. */
  #refusal: ErrorCode | undefined
  /** A whole frame came since the line was opened. */
  #hasSpoken = false

  constructor(options: SessionOptions) {
    this.#options = options
    const { store, terminal, fragments, clock } = options
    this.#dialect = options.dialect
    this.#transport = options.transport
    this.#line = new LineWatch({
      clock,
      onBad: line => this.#unusable(line),
      onGood: () => void this.#turns.run(() => this.#report('terminal.connected')),
    })
    this.#parts = new GatheredParts({
      source: eventSource(store, terminal),
      fragments,
      clock,
      isUnfinished: held => this.#dialect.isUnfinished(held),
      onIdle: held => void this.#turns.run(() => this.#giveUp(held)),
    })
  }

  get status(): SessionStatus {
    const line = this.#line.state
    const reason = 'reason' in line ? line.reason : this.#dialect.doubt
    const { rssiDbm } = this.#transport
    return {
      terminal: this.#options.terminal,
      profile: this.#dialect.id,
      address: this.#transport.address,
      state: line.type,
      ...(reason === undefined ? {} : { reason }),
      ...(rssiDbm === undefined ? {} : { rssiDbm }),
      ...this.#counters,
    }
  }

  /** Until the signal aborts; what was being settled then is settled and answered first. */
  async run(signal: AbortSignal): Promise<void> {
    const { retry, clock, logger } = this.#options
    if (this.#dialect.gathers) await this.#parts.read()
    while (!signal.aborted) {
      try {
        await this.#converse(await this.#transport.connect(signal), signal)
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
    this.#line.enter({ type: 'stopped' })
  }

  async #converse(connection: Connection, signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options
    const line = await this.#identified(connection)
    if (line === undefined) return
    const conversation = new Conversation({
      connection: line,
      dialect: this.#dialect,
      clock,
      host: {
        settle: frame => this.#turns.run(() => this.#settle(frame, signal)),
        isClosing: this.#options.isClosing,
        framed: output => this.#framed(output),
        counted: counter => this.#count(countOf(counter)),
        silent: () => this.#line.silent(),
        changed: dialect => this.#adopt(dialect),
      },
    })
    this.#conversation = conversation
    const stopAsking = this.#askLater()
    const finish = (): void => {
      conversation.finish().catch(thrown => logger.warn({ reason: messageOf(thrown) }, 'closing'))
    }
    signal.addEventListener('abort', finish, { once: true })
    if (signal.aborted) finish()
    try {
      await this.#connected()
      await conversation.run()
    } finally {
      stopAsking()
      this.#conversation = undefined
      signal.removeEventListener('abort', finish)
      await connection.close()
    }
  }

  async #connected(): Promise<void> {
    this.#line.enter({ type: 'connected' })
    const isOurs = this.#isReopening
    this.#isReopening = false
    if (isOurs) return
    const { address } = this.#transport
    this.#options.logger.info({ address, profile: this.#dialect.id }, 'terminal connected')
    await this.#report('terminal.connected')
  }

  /** From the next frame on; where the line has to be set otherwise, it is opened anew then. */
  speak(dialect: Dialect): void {
    const reopen =
      this.#options.transportFor !== undefined && !isSameLine(dialect.line, this.#dialect.line)
    if (this.#conversation === undefined) this.#adopt(dialect)
    else this.#conversation.change({ dialect, reopen })
  }

  #adopt(dialect: Dialect): void {
    const { transportFor, logger } = this.#options
    if (dialect === this.#dialect) {
      this.#isReopening = true
      return
    }
    logger.info({ from: this.#dialect.id, to: dialect.id, doubt: dialect.doubt }, 'speaking')
    if (transportFor !== undefined && !isSameLine(dialect.line, this.#dialect.line)) {
      this.#transport = transportFor(dialect)
      this.#isReopening = this.#conversation !== undefined
    }
    this.#dialect = dialect
  }

  /** Nothing where the line has to be opened anew, as the terminal turned out to speak. */
  async #identified(connection: Connection): Promise<Connection | undefined> {
    const { identify, clock } = this.#options
    if (identify === undefined) return connection
    const line = new Overheard(connection, clock)
    this.#askedMs = clock.monotonicMs()
    try {
      const { dialect, found } = await identify(line)
      const before = this.#transport
      if (dialect.id !== this.#dialect.id || dialect.doubt !== this.#dialect.doubt)
        this.#adopt(dialect)
      if (found !== undefined && found.firmware !== this.#firmware) {
        this.#firmware = found.firmware
        const data = { address: before.address, ...found, dialect: dialect.id }
        const capture = this.#capture()
        await this.#state(statedEvent({ type: 'terminal.identified', capture, dialect, data }))
      }
      if (before === this.#transport) return line
    } catch (thrown) {
      await connection.close()
      throw thrown
    }
    await connection.close()
    return undefined
  }

  /** One that did not say what it is may have been off; now that it speaks it is asked again. */
  #askSoon(): void {
    const { identify, clock } = this.#options
    const isTime = clock.monotonicMs() - this.#askedMs >= LIMITS.identifyAgainMs
    if (identify !== undefined && isTime)
      this.#conversation?.change({ dialect: this.#dialect, reopen: true })
  }

  /** One that speaks only when it is spoken to. */
  #askLater(): () => void {
    const isOpen = this.#options.identify !== undefined && this.#dialect.doubt !== undefined
    return isOpen
      ? this.#options.clock.after(LIMITS.identifySilentMs, () => this.#askSoon())
      : () => undefined
  }

  // Only a frame proves the line: a port that opens and drops again keeps being retried slower.
  #framed(output: { readonly type: 'frame' | 'discarded'; readonly raw: Uint8Array }): void {
    if (output.type === 'discarded') {
      const { length } = output.raw
      this.#count({ discardedBytes: length, burstTotal: this.#line.discarded(length) ? 1 : 0 })
      return
    }
    this.#options.retry.reset()
    this.#hasSpoken = true
    this.#count({ framesTotal: 1 })
    if (this.#dialect.doubt !== undefined) this.#askSoon()
    this.#line.framed()
  }

  #unusable({ type: state, reason }: Unusable): void {
    const { address } = this.#transport
    this.#options.logger.warn({ address, state, reason }, 'terminal unusable')
    void this.#turns.run(() => this.#report('terminal.lost', reason))
  }

  /** What the terminal can be told now; `doubt`: it may yet turn out to have more. */
  get abilities(): Pick<Dialect, 'commands' | 'documents' | 'doubt'> {
    return this.#dialect
  }

  /** Has the terminal do something. Fails where its line is not open or its link has no such. */
  async command(command: LinkCommand | RawWrite): Promise<CommandOutcome> {
    return (await this.#conversation?.command(command)) ?? LINE_CLOSED
  }

  /** As `Dialect.isUnsettled`; where the journal cannot say now what is kept, it is. */
  async isUnsettled(): Promise<boolean | undefined> {
    const held = await this.#turns.run(() => this.#parts.read())
    return held === undefined || this.#dialect.isUnsettled?.(held)
  }

  #count(more: Partial<Counters>): void {
    this.#counters = counted(this.#counters, more)
  }

  // One event for each loss: the attempts that follow only change the reason in the status.
  async #lineFailed({ message: reason, code, advice }: TillbridgeError): Promise<void> {
    const { logger } = this.#options
    this.#isReopening = false
    const before = this.#line.state
    const isNews = !('reason' in before) || before.reason !== reason
    if (isNews) logger.warn({ address: this.#transport.address, code, reason, advice }, 'no line')
    this.#line.enter({ type: before.type === 'opening' ? 'opening' : 'lost', reason })
    if (before.type === 'connected') await this.#report('terminal.lost', reason)
  }

  async #report(type: 'terminal.connected' | 'terminal.lost', reason?: string): Promise<void> {
    const { address } = this.#transport
    const why = reason === undefined ? {} : { reason: reason.slice(0, 200) }
    const [capture, dialect] = [this.#capture(), this.#dialect]
    await this.#state(statedEvent({ type, capture, dialect, data: { address, ...why } }))
  }

  async #state(event: Event): Promise<void> {
    const { ingest, logger } = this.#options
    const outcome = await ingest([event])
    if (outcome.type === 'refused') logger.warn({ event: event.type, ...outcome }, 'not journaled')
  }

  async #settle(frame: Frame, signal: AbortSignal): Promise<Settlement> {
    const [dialect, { keyedDigest }] = [this.#dialect, this.#options]
    const held = dialect.gathers ? await this.#parts.read() : []
    if (held === undefined) return 'refused'
    const reading = { dialect, frame, held, keyedDigest, capture: this.#capture() }
    const meaning = decodeFrame(reading)
    // Of a terminal that nobody knows nothing is believed, and nothing is wrong with its line.
    if (meaning.type !== 'rejected') this.#line.understood()
    else if (dialect.doubt === undefined) this.#line.rejected()
    if (meaning.type === 'ignored') return 'ignored'
    if (meaning.type === 'dropped') return this.#drop(meaning, signal)
    const change = meaning.held && this.#parts.changeTo(meaning.held)
    if (meaning.type === 'rejected') return this.#reject(meaning.event, { change, signal })
    if (meaning.type === 'part') return this.#keep(meaning.rejections, { change, signal })
    const outcome = await this.#offer(meaning.events, { change, signal })
    if (outcome.type === 'journaled') this.#count({ eventsTotal: meaning.events.length })
    if (outcome.type === 'summarised') return 'ignored'
    if (outcome.type !== 'refused') return outcome.type
    // Repeated it would be too large again: kept as a rejected frame it blocks nothing.
    if (outcome.code === 'TB_EVENT_TOO_LARGE')
      return this.#reject(rejection(reading, [outcome.code]), { change, signal })
    return 'refused'
  }

  /** These parts have waited for further ones for too long. */
  async #giveUp(held: readonly Uint8Array[]): Promise<void> {
    const [dialect, { keyedDigest }] = [this.#dialect, this.#options]
    // A frame that waited before it may have changed them.
    if ((await this.#parts.read()) !== held) return
    const reading = { dialect, held, keyedDigest, capture: this.#capture() }
    const issue = `expected a further part within ${LIMITS.gatheredMs} ms`
    const event = partsRejection(reading, { givenUp: held, issue })
    this.#count({ rejectedTotal: 1 })
    await this.#ingest([event], this.#parts.changeTo([]))
    // What was refused is held still, and waits again.
    await this.#parts.read()
  }

  /** A part of a message is kept; what was given up for it is rejected. */
  async #keep(rejections: readonly Event[], turn: Turn): Promise<Settlement> {
    const outcome = await this.#offer(rejections, turn)
    if (outcome.type === 'refused') return 'refused'
    this.#count({ rejectedTotal: rejections.length })
    return 'journaled'
  }

  /**
   * Where nobody says it again it is held here, and the line behind it, until there is room; only
   * the first refusal of many is news.
   */
  async #offer(events: readonly Event[], { change, signal }: Turn): Promise<IngestOutcome> {
    const { clock } = this.#options
    for (;;) {
      const outcome = await this.#ingest(events, change)
      this.#noteRefusal(outcome)
      if (!isHeld(outcome) || this.#dialect.link.answers || signal.aborted) return outcome
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

  async #drop(
    dropped: { readonly what: string; readonly event: Event },
    signal: AbortSignal,
  ): Promise<Settlement> {
    const { terminal, onCardData } = this.#options
    onCardData(`${terminal} sent ${dropped.what}; its message was dropped (docs/card-data.md)`)
    return this.#reject(dropped.event, { change: undefined, signal })
  }

  async #reject(event: Event, turn: Turn): Promise<Settlement> {
    this.#count({ rejectedTotal: 1 })
    const outcome = await this.#offer([event], turn)
    return outcome.type === 'refused' ? 'refused' : 'rejected'
  }

  #capture(): Capture {
    const { store, terminal, timeZone, clock, random, clockState } = this.#options
    return { store, terminal, timeZone, clock, random, clockState: clockState() }
  }
}
