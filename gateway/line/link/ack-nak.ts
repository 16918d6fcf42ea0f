import { z } from 'zod'
import { equalBytes, fromHex } from '../../core/bytes.js'
import type { MonotonicMs } from '../../core/clock.js'
import { LIMITS } from '../../core/limits.js'
import type { FramerOutput } from '../framing/framer.js'
import { hexBytes } from '../framing/framing-field.js'
import type { Link, LinkEffect, LinkInput, LinkStep } from './link.js'
import { unsupported } from './unsupported.js'

export const ackNakSchema = z.strictObject({
  type: z.literal('ack-nak'),
  ack: hexBytes.default('06'),
  nak: hexBytes.default('15'),
  /**
   * Shorter than the terminal's own time-out: an answer that would come later is not given, since
   * the terminal would take it for the answer to its next message.
   */
  answerWithinMs: z.int().min(10).max(60_000).default(1500),
  /** NAKs in a row to garbage; then silence until a good frame. */
  repeatLimit: z.int().min(0).max(100).default(3),
})

type AckNakOptions = z.infer<typeof ackNakSchema>
type Frame = Extract<FramerOutput, { type: 'frame' }>
type Settled = Extract<LinkInput, { type: 'settled' }>

interface Pending {
  readonly frame: Frame
  readonly answer: /** The terminal sent it last at `sinceMs` and waits. */
    | { readonly type: 'owed'; readonly sinceMs: MonotonicMs }
    /** The terminal no longer waits for this one. */
    | { readonly type: 'void' }
}

export interface AckNakState {
  /** Not settled yet; the first is being settled. Only the last can still be owed an answer. */
  readonly pending: readonly Pending[]
  /** To garbage since the last good frame. */
  readonly naks: { readonly inRow: number; readonly lastMs: MonotonicMs }
}

const NO_NAKS: AckNakState['naks'] = { inRow: 0, lastMs: Number.NEGATIVE_INFINITY }

/**
 * Stop and wait: the terminal repeats a message until it is acknowledged, and it is acknowledged
 * once it is in the journal. The answers carry no number, so the terminal takes whatever comes as
 * meant for its latest message. Every rule here follows from that: each message gets one answer at
 * most, in time, or none; silence is always safe. See docs/decisions/late-ack.md.
 */
export class AckNakLink implements Link<AckNakState> {
  readonly initial: AckNakState = { pending: [], naks: NO_NAKS }
  readonly answers = true
  readonly #ack: LinkEffect
  readonly #nak: readonly LinkEffect[]
  readonly #answerWithinMs: number
  readonly #repeatLimit: number

  constructor(options: AckNakOptions) {
    this.#ack = { type: 'write', bytes: fromHex(options.ack) }
    this.#nak = [
      { type: 'write', bytes: fromHex(options.nak) },
      { type: 'count', counter: 'nak' },
    ]
    this.#answerWithinMs = options.answerWithinMs
    this.#repeatLimit = options.repeatLimit
  }

  next(state: AckNakState, input: LinkInput): LinkStep<AckNakState> {
    switch (input.type) {
      case 'framed':
        return input.output.type === 'frame'
          ? this.#framed(state, { frame: input.output, atMs: input.atMs })
          : this.#discarded(state, { reason: input.output.reason, atMs: input.atMs })
      case 'settled':
        return this.#settled(state, input)
      case 'opened': {
        // The frame being settled will still report, but to a conversation that is over.
        const pending = state.pending.slice(0, 1).map(unanswered)
        return { state: { pending, naks: NO_NAKS }, effects: [] }
      }
      case 'elapsed':
        return { state, effects: [] }
      case 'commanded':
        return unsupported(state, input.command)
    }
  }

  #framed(
    state: AckNakState,
    arrival: { readonly frame: Frame; readonly atMs: MonotonicMs },
  ): LinkStep<AckNakState> {
    const { frame, atMs } = arrival
    const answer = { type: 'owed', sinceMs: atMs } as const
    const last = state.pending.at(-1)
    if (last?.answer.type === 'owed' && equalBytes(last.frame.raw, frame.raw)) {
      const pending = [...state.pending.slice(0, -1), { frame, answer }]
      return { state: { pending, naks: NO_NAKS }, effects: [{ type: 'count', counter: 'repeat' }] }
    }
    // A different message: the terminal has given up the one before, and must not take that one's
    // answer for this one's.
    const before = state.pending.map(unanswered)
    const late: readonly LinkEffect[] =
      last?.answer.type === 'owed' ? [{ type: 'count', counter: 'late' }] : []
    if (before.length >= LIMITS.linkQueueFrames)
      return { state: { pending: before, naks: NO_NAKS }, effects: [...late, LATE] }
    const deliver = before.length === 0 ? [deliverOf(frame)] : []
    const pending = [...before, { frame, answer }]
    return { state: { pending, naks: NO_NAKS }, effects: [...late, ...deliver] }
  }

  #settled(state: AckNakState, settled: Settled): LinkStep<AckNakState> {
    const [done, ...pending] = state.pending
    const [following] = pending
    const deliver = following === undefined ? [] : [deliverOf(following.frame)]
    return {
      state: { ...state, pending },
      effects: [...(done === undefined ? [] : this.#answerTo(done, settled)), ...deliver],
    }
  }

  #answerTo(done: Pending, settled: Settled): readonly LinkEffect[] {
    if (done.answer.type === 'void') return []
    if (settled.atMs - done.answer.sinceMs > this.#answerWithinMs) return [LATE]
    // Rejected is journaled, as a frame nobody understood; only a refused one is not.
    return settled.outcome === 'refused' ? this.#nak : [this.#ack]
  }

  #discarded(
    state: AckNakState,
    garbage: { readonly reason: string; readonly atMs: MonotonicMs },
  ): LinkStep<AckNakState> {
    const { naks } = state
    const isBrokenFrame = garbage.reason === 'checksum' || garbage.reason === 'too-long'
    // One broken frame may come out in several pieces: they must not draw two answers.
    const isAnswered = garbage.atMs - naks.lastMs <= this.#answerWithinMs
    const isAnswerOwed = state.pending.at(-1)?.answer.type === 'owed'
    if (!isBrokenFrame || isAnswered || isAnswerOwed || naks.inRow >= this.#repeatLimit)
      return { state, effects: [] }
    return {
      state: { ...state, naks: { inRow: naks.inRow + 1, lastMs: garbage.atMs } },
      effects: this.#nak,
    }
  }
}

const LATE: LinkEffect = { type: 'count', counter: 'late' }

function unanswered(pending: Pending): Pending {
  return { frame: pending.frame, answer: { type: 'void' } }
}

function deliverOf(frame: Frame): LinkEffect {
  return { type: 'deliver', payload: frame.payload, raw: frame.raw }
}
