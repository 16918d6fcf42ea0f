import type { Clock, MonotonicMs } from '../core/clock.js'
import { messageOf, TillbridgeError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { Logger } from '../core/log.js'
import { ChunkQueue } from '../line/transport/chunk-queue.js'
import type { Chunk, Connection, Transport } from '../line/transport/transport.js'
import { BusMeter, type BusStatus } from './bus-meter.js'

export interface BusOptions {
  readonly id: string
  /** The line itself. */
  readonly transport: Transport
  /** Silence that has to lie between two frames: 3.5 characters at the line's speed. */
  readonly gapMs: number
  readonly clock: Clock
  readonly logger: Logger
}

/** Something that a member wants to send. */
interface Request {
  readonly bytes: Uint8Array
  readonly replyWithinMs: number
  readonly sent: () => void
  readonly failed: (thrown: unknown) => void
}

interface Member {
  readonly name: string
  readonly heard: ChunkQueue
  readonly requests: Request[]
}

/** The line is one member's, until it has its answer or its time is over. */
interface Turn {
  readonly member: Member
  cancel: () => void
  heardBytes: number
}

/**
 * One line and several terminals that answer when they are asked (RS-485). Each has the line for
 * its own turn: from its request to its answer or the end of the time that it gives for it. Turns
 * go round, so that a terminal that is dead costs the others the time of its own turns and no more.
 * What comes in nobody's turn reaches nobody, and is counted.
 */
export class Bus {
  readonly #options: BusOptions
  readonly #meter: BusMeter
  /** In the order in which their turns come. */
  readonly #members: Member[] = []
  #line: { readonly connection: Connection } | undefined
  #opening: Promise<void> | undefined
  #turn: Turn | undefined
  #quietSinceMs: MonotonicMs = 0
  /** Since when someone has waited for the line to fall silent. */
  #waitingSinceMs: MonotonicMs | undefined
  #cancelWait: () => void = () => undefined

  constructor(options: BusOptions) {
    this.#options = options
    this.#meter = new BusMeter(options.clock)
  }

  get status(): BusStatus {
    const { id, transport } = this.#options
    return this.#meter.status({ bus: id, address: transport.address })
  }

  /** The bus as a terminal has it: a line of its own, on which it waits for its turn. */
  member(name: string): Transport {
    this.#meter.join(name)
    return {
      address: `${this.#options.transport.address}#${name}`,
      connect: async signal => {
        await this.#open(signal)
        return this.#join(name)
      },
    }
  }

  /** Whoever comes first opens it for all. */
  async #open(signal: AbortSignal): Promise<void> {
    if (this.#line !== undefined) return
    this.#opening ??= this.#connect(signal)
    try {
      await this.#opening
    } finally {
      this.#opening = undefined
    }
  }

  async #connect(signal: AbortSignal): Promise<void> {
    try {
      const connection = await this.#options.transport.connect(signal)
      this.#line = { connection }
      this.#quietSinceMs = this.#options.clock.monotonicMs()
      this.#meter.opened()
      void this.#listen(connection)
    } catch (thrown) {
      this.#meter.failed(messageOf(thrown))
      throw thrown
    }
  }

  #join(name: string): Connection {
    const heard = new ChunkQueue({ clock: this.#options.clock })
    const member: Member = { name, heard, requests: [] }
    this.#members.push(member)
    return {
      write: (bytes, replyWithinMs = 0) => this.#write(member, { bytes, replyWithinMs }),
      release: () => this.#release(member),
      close: () => this.#leave(member),
      [Symbol.asyncIterator]: () => heard[Symbol.asyncIterator](),
    }
  }

  async #write(
    member: Member,
    what: { readonly bytes: Uint8Array; readonly replyWithinMs: number },
  ): Promise<void> {
    member.heard.assertOpen()
    if (this.#turn?.member === member) {
      if (what.replyWithinMs === 0) return this.#writeOn(what.bytes)
      // It asks anew without waiting any longer: the others come first.
      this.#endTurn('answered')
    }
    await new Promise<void>((sent, failed) => {
      member.requests.push({ ...what, sent, failed })
      this.#next()
    })
  }

  /** In its own turn a member may go on: an acknowledgement. */
  async #writeOn(bytes: Uint8Array): Promise<void> {
    await this.#line?.connection.write(bytes)
    this.#quietSinceMs = this.#options.clock.monotonicMs()
  }

  #release(member: Member): void {
    if (this.#turn?.member === member) this.#endTurn('answered')
  }

  async #leave(member: Member): Promise<void> {
    const at = this.#members.indexOf(member)
    if (at < 0) return
    this.#members.splice(at, 1)
    member.heard.close()
    refuse(member, 'line closed')
    if (this.#turn?.member === member) this.#endTurn('left')
    if (this.#members.length > 0 || this.#line === undefined) return
    const { connection } = this.#line
    this.#line = undefined
    this.#meter.closed()
    await connection.close()
  }

  /** Gives the line to whoever waits longest, once it has been silent for long enough. */
  #next(): void {
    if (this.#turn !== undefined || this.#line === undefined) return
    const member = this.#members.find(({ requests }) => requests.length > 0)
    const request = member?.requests[0]
    if (member === undefined || request === undefined) {
      this.#waitingSinceMs = undefined
      return
    }
    const { clock, gapMs } = this.#options
    const nowMs = clock.monotonicMs()
    this.#waitingSinceMs ??= nowMs
    // A line that never falls silent would keep all of them waiting for ever.
    const patienceMs = LIMITS.busQuietMs - (nowMs - this.#waitingSinceMs)
    const waitMs = Math.min(this.#quietSinceMs + gapMs - nowMs, patienceMs)
    this.#cancelWait()
    if (waitMs > 0) {
      this.#cancelWait = clock.after(Math.ceil(waitMs), () => this.#next())
      return
    }
    this.#waitingSinceMs = undefined
    member.requests.shift()
    // Behind the others, whoever they are: turns go round.
    this.#members.push(...this.#members.splice(this.#members.indexOf(member), 1))
    this.#begin(member, request).catch(thrown => request.failed(thrown))
  }

  async #begin(member: Member, request: Request): Promise<void> {
    const { clock } = this.#options
    const turn: Turn = { member, cancel: () => undefined, heardBytes: 0 }
    this.#turn = turn
    this.#meter.began(member.name)
    // A late answer to the turn before must not be taken for one to this.
    this.#line?.connection.flush?.()
    try {
      await this.#line?.connection.write(request.bytes)
    } catch (thrown) {
      // The line is lost; whoever reads it hears of that, and all members with it.
      if (this.#turn === turn) this.#endTurn('left')
      throw thrown
    }
    this.#quietSinceMs = clock.monotonicMs()
    if (this.#turn === turn && request.replyWithinMs === 0) this.#endTurn('answered')
    else
      turn.cancel = clock.after(request.replyWithinMs, () => {
        if (this.#turn === turn) this.#endTurn('unanswered')
      })
    request.sent()
  }

  #endTurn(how: 'answered' | 'unanswered' | 'left'): void {
    const turn = this.#turn
    if (turn === undefined) return
    turn.cancel()
    this.#turn = undefined
    this.#meter.ended(turn.member.name, { how, heardBytes: turn.heardBytes })
    this.#next()
  }

  async #listen(connection: Connection): Promise<void> {
    try {
      for await (const chunk of connection) this.#hear(chunk)
    } catch (thrown) {
      if (this.#line?.connection === connection) this.#lost(messageOf(thrown))
    }
  }

  #hear({ bytes, atMs }: Chunk): void {
    this.#quietSinceMs = atMs
    if (this.#turn === undefined) {
      this.#meter.stray(bytes.length)
      return
    }
    this.#turn.heardBytes += bytes.length
    this.#turn.member.heard.push(bytes)
  }

  #lost(reason: string): void {
    const { logger } = this.#options
    logger.warn({ reason, members: this.#members.length }, 'bus lost')
    this.#line?.connection
      .close()
      .catch(thrown => logger.warn({ reason: messageOf(thrown) }, 'closing'))
    this.#line = undefined
    this.#cancelWait()
    this.#turn?.cancel()
    this.#turn = undefined
    this.#waitingSinceMs = undefined
    this.#meter.failed(reason)
    for (const member of this.#members.splice(0)) {
      member.heard.lose(reason)
      refuse(member, reason)
    }
  }
}

function refuse(member: Member, reason: string): void {
  for (const { failed } of member.requests.splice(0))
    failed(new TillbridgeError('TB_LINE_CLOSED', reason))
}
