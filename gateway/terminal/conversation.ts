import { equalBytes } from '../core/bytes.js'
import type { Clock } from '../core/clock.js'
import { LIMITS } from '../core/limits.js'
import type { Framer, FramerOutput } from '../line/framing/framer.js'
import {
  type CommandOutcome,
  EXPIRED,
  isExpired,
  type Link,
  type LinkCommand,
  type LinkCounter,
  type LinkEffect,
  type LinkInput,
} from '../line/link/link.js'
import { isLineFailure } from '../line/transport/line-error.js'
import type { Chunk, Connection } from '../line/transport/transport.js'
import type { Dialect } from '../profile/dialect.js'
import type { Frame } from './frame-decoder.js'

/** The answer to whatever is asked of a terminal whose line is not open. */
export const LINE_CLOSED: CommandOutcome = {
  type: 'failed',
  reason: 'rejected',
  detail: 'the line is not open',
  notYet: true,
}

/** In place of a command of the link: that the bytes went out is all that is known of it. */
export interface RawWrite extends Pick<LinkCommand, 'untilMs'> {
  readonly bytes: Uint8Array
}

export type Settlement = Extract<LinkInput, { type: 'settled' }>['outcome']

/** What a conversation asks of its session. */
export interface ConversationHost {
  /**
   * Decodes a frame and makes what it means durable. A rejection is a defect and ends the process.
   */
  settle(frame: Frame): Promise<Settlement>
  /** The gateway is about to end: of who is answered nothing is taken that begins now. */
  isClosing(): boolean
  framed(output: FramerOutput): void
  counted(counter: LinkCounter): void
  /** The terminal does not answer any more. */
  silent(): void
  /** From here on this is spoken. */
  changed(dialect: Dialect): void
}

/** How often it is looked whether what was begun is whole. */
const FINISH_LOOK_MS = 10

/** What to speak from the next frame on, and whether the line has to be opened anew for it. */
export interface DialectChange {
  readonly dialect: Dialect
  readonly reopen: boolean
}

/**
 * One opening of a line, from its first byte to its loss: bytes into frames, frames through the
 * link, the link's effects back to the line. A new opening is a new conversation, so nothing half
 * said, and no late answer, survives a reconnect.
 */
export class Conversation {
  readonly #connection: Connection
  readonly #host: ConversationHost
  readonly #clock: Clock
  #dialect: Dialect
  #framer: Framer
  #link: Link<unknown>
  #change: DialectChange | undefined
  #state: unknown
  #settling: Promise<void> = Promise.resolve()
  #unsettledFrames = 0
  /** The frame in hand began when the gateway was about to end. */
  #isLate = false
  #cancelIdle: () => void = () => undefined
  #cancelTimer: () => void = () => undefined
  readonly #commands = new Map<string, (outcome: CommandOutcome) => void>()
  /** Commands that came before the link knew of its line; undefined once it does. */
  #early: LinkCommand[] | undefined = []
  #isOver = false
  #writeFailure: { readonly thrown: unknown } | undefined

  constructor(options: {
    readonly connection: Connection
    readonly dialect: Dialect
    readonly host: ConversationHost
    readonly clock: Clock
  }) {
    this.#connection = options.connection
    this.#host = options.host
    this.#clock = options.clock
    this.#dialect = options.dialect
    this.#framer = options.dialect.createFramer()
    this.#link = options.dialect.link
    this.#state = this.#link.initial
  }

  /** Until the line is closed. @throws TillbridgeError TB_LINE_CLOSED when it is lost. */
  async run(): Promise<void> {
    this.#open()
    try {
      if (this.#dialect.greeting.length > 0) await this.#connection.write(this.#dialect.greeting)
      for await (const chunk of this.#connection) {
        this.#read(chunk)
        if (chunk.endsSender === true) this.#ended('sender')
        // Where nobody waits for an answer, this is what slows a terminal down to the journal.
        if (this.#unsettledFrames >= LIMITS.linkQueueFrames) await this.#settling
      }
    } finally {
      this.#ended('line')
      this.#cancelTimer()
      this.#abandonCommands()
      await this.#settling
    }
    if (this.#writeFailure !== undefined) throw this.#writeFailure.thrown
  }

  /** What was begun is heard out, settled and answered before the line goes. */
  async finish(): Promise<void> {
    const untilMs = this.#clock.monotonicMs() + LIMITS.finishFrameMs
    const isBegun = (): boolean => this.#framer.bufferedBytes > 0 && !this.#isOver
    while (isBegun() && this.#clock.monotonicMs() < untilMs) await this.#clock.sleep(FINISH_LOOK_MS)
    await this.#settling
    await this.#connection.close()
  }

  /** What came of it; the terminal's own answer, or that the line was lost before there was one. */
  command(command: LinkCommand | RawWrite): Promise<CommandOutcome> {
    if (this.#isOver) return Promise.resolve(LINE_CLOSED)
    if ('bytes' in command)
      return isExpired(command, this.#clock.monotonicMs())
        ? Promise.resolve(EXPIRED)
        : this.#writeRaw(command.bytes)
    return new Promise(resolve => {
      this.#commands.set(command.id, resolve)
      if (this.#early === undefined) this.#commanded(command)
      else this.#early.push(command)
    })
  }

  async #writeRaw(bytes: Uint8Array): Promise<CommandOutcome> {
    try {
      await this.#connection.write(bytes)
      return { type: 'successful', values: {} }
    } catch (thrown) {
      if (!isLineFailure(thrown)) throw thrown
      this.#writeFailed(thrown)
      return { type: 'failed', reason: 'unknown', detail: thrown.message }
    }
  }

  #open(): void {
    const early = this.#early ?? []
    this.#early = undefined
    this.#feed({ type: 'opened' })
    for (const command of early) this.#commanded(command)
    this.#tryChange()
  }

  #commanded(command: LinkCommand): void {
    const atMs = this.#clock.monotonicMs()
    if (isExpired(command, atMs)) this.#answered(command.id, EXPIRED)
    else this.#feed({ type: 'commanded', command, atMs })
  }

  /**
   * Once the frame in hand is whole, settled and answered, and no command waits: every byte before
   * belongs to the old dialect, every one after it to the new.
   */
  change(change: DialectChange): void {
    this.#change = change
    this.#tryChange()
  }

  #tryChange(): void {
    const isBusy =
      this.#framer.bufferedBytes > 0 || this.#unsettledFrames > 0 || this.#commands.size > 0
    if (this.#change === undefined || this.#early !== undefined || isBusy) return
    const { dialect, reopen } = this.#change
    const { greeting } = this.#dialect
    this.#change = undefined
    this.#cancelTimer()
    this.#dialect = dialect
    this.#framer = dialect.createFramer()
    this.#link = dialect.link
    this.#state = this.#link.initial
    this.#host.changed(dialect)
    if (reopen) {
      void this.#connection.close()
      return
    }
    this.#feed({ type: 'opened' })
    if (dialect.greeting.length > 0 && !equalBytes(greeting, dialect.greeting))
      this.#connection.write(dialect.greeting).catch(thrown => this.#writeFailed(thrown))
  }

  #abandonCommands(): void {
    this.#isOver = true
    const detail = 'the line was lost before the answer'
    for (const answer of this.#commands.values())
      answer({ type: 'failed', reason: 'unknown', detail })
    this.#commands.clear()
  }

  #read(chunk: Chunk): void {
    this.#cancelIdle()
    if (this.#framer.bufferedBytes === 0) this.#isLate = this.#host.isClosing()
    for (const output of this.#framer.push(chunk.bytes)) {
      this.#frame(output, chunk.atMs)
      // What follows a whole frame in one chunk was begun behind it.
      if (output.type === 'frame') this.#isLate = this.#host.isClosing()
    }
    this.#tryChange()
    if (this.#framer.bufferedBytes === 0) return
    this.#cancelIdle = this.#clock.after(this.#dialect.idleMs, () => {
      for (const output of this.#framer.idle()) this.#frame(output, this.#clock.monotonicMs())
      this.#tryChange()
    })
  }

  /** Nothing more comes of what was begun; a link that holds something back says what it is. */
  #ended(of: 'line' | 'sender'): void {
    this.#cancelIdle()
    if (this.#link.ended === undefined) return
    const rest = this.#framer.idle()
    for (const output of rest) this.#host.framed(output)
    const { state, effects } = this.#link.ended(this.#state, { of, rest })
    this.#state = state
    for (const effect of effects) this.#perform(effect)
  }

  #frame(output: FramerOutput, atMs: number): void {
    this.#host.framed(output)
    this.#feed({ type: 'framed', output, atMs })
  }

  #feed(input: LinkInput): void {
    const { state, effects } = this.#link.next(this.#state, input)
    this.#state = state
    for (const effect of effects) this.#perform(effect)
  }

  #perform(effect: LinkEffect): void {
    switch (effect.type) {
      case 'deliver':
        this.#unsettledFrames += 1
        this.#accept(effect)
        break
      case 'write':
        this.#write(effect).catch(thrown => this.#writeFailed(thrown))
        break
      case 'release':
        this.#connection.release?.()
        break
      case 'timer':
        this.#arm(effect.afterMs)
        break
      case 'silent':
        this.#host.silent()
        break
      case 'answered':
        this.#answered(effect.id, effect.outcome)
        break
      case 'count':
        this.#host.counted(effect.counter)
        break
    }
  }

  #answered(id: string, outcome: CommandOutcome): void {
    this.#commands.get(id)?.(outcome)
    this.#commands.delete(id)
    queueMicrotask(() => this.#tryChange())
  }

  /** A request's time runs from when it went out: on a shared line it may have waited. */
  async #write(effect: Extract<LinkEffect, { type: 'write' }>): Promise<void> {
    const { bytes, replyWithinMs } = effect
    if (replyWithinMs === undefined) return this.#connection.write(bytes)
    this.#cancelTimer()
    let isSuperseded = false
    this.#cancelTimer = () => {
      isSuperseded = true
    }
    await this.#connection.write(bytes, replyWithinMs)
    if (!isSuperseded) this.#arm(replyWithinMs)
  }

  // A line that is gone is not waited for: what was heard on it is settled, and that is all.
  #arm(afterMs: number): void {
    this.#cancelTimer()
    if (this.#isOver) return
    this.#cancelTimer = this.#clock.after(afterMs, () =>
      this.#feed({ type: 'elapsed', atMs: this.#clock.monotonicMs() }),
    )
  }

  /** What belongs to a command that is under way is never late: money may hang on it. */
  #accept(frame: Frame): void {
    const isLate = this.#isLate && this.#link.answers && this.#commands.size === 0
    this.#settling = this.#settling.then(() => this.#deliver(frame, isLate))
  }

  async #deliver(frame: Frame, isLate: boolean): Promise<void> {
    const outcome = isLate ? 'refused' : await this.#host.settle(frame)
    this.#unsettledFrames -= 1
    this.#feed({ type: 'settled', outcome, atMs: this.#clock.monotonicMs() })
    this.#tryChange()
  }

  // A line that cannot be written to is lost, even where reading has not noticed yet.
  #writeFailed(thrown: unknown): void {
    this.#writeFailure ??= { thrown }
    void this.#connection.close()
  }
}
