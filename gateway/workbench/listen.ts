import { LIMITS } from '../core/limits.js'
import type { Framer, FramerOutput } from '../line/framing/framer.js'
import type { LinkEffect, LinkInput, LinkStep } from '../line/link/link.js'
import type { Capture, DecodedMessage, InterpretingDialect } from '../profile/dialect.js'

/** Bytes as they passed on a line, and when, counted from its opening. */
export interface TimedBytes {
  readonly atMs: number
  readonly from: 'terminal' | 'host'
  readonly bytes: Uint8Array
}

/** What passed, in the gateway's eyes. `offset` counts the bytes of its direction. */
export type Heard = { readonly atMs: number; readonly offset: number } & (
  | {
      readonly type: 'frame'
      readonly raw: Uint8Array
      readonly payload: Uint8Array
      /** Each message that the link made of it, in order. */
      readonly delivered: readonly DecodedMessage[]
      /** The link made nothing of it (a repeat, out of turn): `delivered` is what it says. */
      readonly isHeldBack: boolean
      /** What the gateway would have written in return. */
      readonly answers: readonly Uint8Array[]
    }
  | {
      readonly type: 'discarded'
      readonly raw: Uint8Array
      readonly reason: Extract<FramerOutput, { type: 'discarded' }>['reason']
      readonly answers: readonly Uint8Array[]
    }
  /** What the link had held back until silence, or the end, made it whole. */
  | { readonly type: 'delivered'; readonly delivered: readonly DecodedMessage[] }
  /** The host's own bytes: nothing decodes them. */
  | { readonly type: 'host'; readonly raw: Uint8Array }
)

/**
 * What a session would do with these bytes, in their own time: framer, link and decoder as `run`
 * uses them, without a line, a clock or a journal. Everything that is delivered counts as kept.
 */
export function* listen(options: {
  readonly dialect: InterpretingDialect
  readonly chunks: Iterable<TimedBytes>
  readonly capture: Capture
}): Generator<Heard, void, undefined> {
  const listener = new Listener(options)
  let hostOffset = 0
  for (const { atMs, from, bytes } of options.chunks) {
    if (from === 'host') {
      yield { type: 'host', atMs, offset: hostOffset, raw: bytes }
      hostOffset += bytes.length
    } else yield* listener.hear(atMs, bytes)
  }
  yield* listener.end()
}

/** What came of one output of the framer. */
interface Outcome {
  readonly delivered: DecodedMessage[]
  readonly answers: Uint8Array[]
}

class Listener {
  readonly #dialect: InterpretingDialect
  readonly #capture: Capture
  readonly #framer: Framer
  #state: unknown
  /** When the link's timer runs out. */
  #dueMs = Number.POSITIVE_INFINITY
  #heardMs = 0
  #offset = 0
  #held: readonly Uint8Array[] = []

  constructor(options: {
    readonly dialect: InterpretingDialect
    readonly capture: Capture
  }) {
    this.#dialect = options.dialect
    this.#capture = options.capture
    this.#framer = options.dialect.createFramer()
    this.#state = options.dialect.link.initial
    this.#feed({ type: 'opened' }, 0)
  }

  *hear(atMs: number, bytes: Uint8Array): Generator<Heard, void, undefined> {
    const silentMs = this.#heardMs + this.#dialect.idleMs
    if (this.#framer.bufferedBytes > 0 && atMs >= silentMs)
      yield* this.#outputs(silentMs, this.#framer.idle())
    yield* this.#elapse(atMs)
    this.#heardMs = atMs
    yield* this.#outputs(atMs, this.#framer.push(bytes))
  }

  *end(): Generator<Heard, void, undefined> {
    const atMs = this.#heardMs + this.#dialect.idleMs
    yield* this.#outputs(atMs, this.#framer.idle())
    const step = this.#dialect.link.ended?.(this.#state, { of: 'line', rest: [] })
    if (step !== undefined) yield* this.#later(atMs, step)
  }

  *#outputs(atMs: number, outputs: readonly FramerOutput[]): Generator<Heard, void, undefined> {
    for (const output of outputs) {
      const { raw } = output
      const offset = this.#offset
      this.#offset += raw.length
      const delivered: DecodedMessage[] = []
      const answers: Uint8Array[] = []
      this.#feed({ type: 'framed', output, atMs }, atMs, { delivered, answers })
      if (output.type === 'discarded')
        yield { type: 'discarded', atMs, offset, raw, reason: output.reason, answers }
      else {
        const isHeldBack = delivered.length === 0
        if (isHeldBack) delivered.push(this.#interpret(output.payload))
        const { payload } = output
        yield { type: 'frame', atMs, offset, raw, payload, delivered, isHeldBack, answers }
      }
    }
  }

  /** A link that polls goes on by its timer; more turns than these change nothing any more. */
  *#elapse(untilMs: number): Generator<Heard, void, undefined> {
    for (let turn = 0; this.#dueMs <= untilMs && turn < LIMITS.listenTurns; turn += 1) {
      const atMs = this.#dueMs
      this.#dueMs = Number.POSITIVE_INFINITY
      yield* this.#later(atMs, this.#dialect.link.next(this.#state, { type: 'elapsed', atMs }))
    }
  }

  *#later(atMs: number, step: LinkStep<unknown>): Generator<Heard, void, undefined> {
    const delivered: DecodedMessage[] = []
    this.#apply(step, atMs, { delivered, answers: [] })
    if (delivered.length > 0) yield { type: 'delivered', atMs, offset: this.#offset, delivered }
  }

  #feed(input: LinkInput, atMs: number, heard: Outcome = { delivered: [], answers: [] }): void {
    this.#apply(this.#dialect.link.next(this.#state, input), atMs, heard)
  }

  #apply({ state, effects }: LinkStep<unknown>, atMs: number, heard: Outcome): void {
    this.#state = state
    for (const effect of effects) this.#perform(effect, atMs, heard)
  }

  #perform(effect: LinkEffect, atMs: number, heard: Outcome): void {
    switch (effect.type) {
      case 'deliver': {
        const message = this.#interpret(effect.payload)
        heard.delivered.push(message)
        const { decoded } = message
        if ('step' in decoded && decoded.step !== undefined) this.#held = decoded.step.held
        this.#feed({ type: 'settled', outcome: settlementOf(message), atMs }, atMs, heard)
        break
      }
      case 'write':
        heard.answers.push(effect.bytes)
        if (effect.replyWithinMs !== undefined) this.#dueMs = atMs + effect.replyWithinMs
        break
      case 'timer':
        this.#dueMs = atMs + effect.afterMs
        break
      case 'release':
      case 'silent':
      case 'answered':
      case 'count':
        break
    }
  }

  #interpret(payload: Uint8Array): DecodedMessage {
    return this.#dialect.interpret(payload, this.#capture, this.#held)
  }
}

function settlementOf({
  decoded,
}: DecodedMessage): Extract<LinkInput, { type: 'settled' }>['outcome'] {
  switch (decoded.type) {
    case 'events':
    case 'part':
      return 'journaled'
    case 'ignored':
      return 'ignored'
    case 'sensitive':
    case 'rejected':
      return 'rejected'
  }
}
