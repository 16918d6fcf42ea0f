import type { MonotonicMs } from '../../core/clock.js'
import type { FramerOutput } from '../framing/framer.js'

/**
 * The rules of one conversation, as a pure state machine: what happened goes in, what to do comes
 * out. The session owns the line, the timer and the journal, and feeds their outcomes back.
 */
export interface Link<State> {
  readonly initial: State
  /** Whether a terminal learns that its message was refused, and says it again. */
  readonly answers: boolean
  next(state: State, input: LinkInput): LinkStep<State>
}

export interface LinkStep<State> {
  readonly state: State
  readonly effects: readonly LinkEffect[]
}

export type LinkInput =
  /** The framer gave a frame or threw bytes away. */
  | { readonly type: 'framed'; readonly output: FramerOutput; readonly atMs: MonotonicMs }
  /** A frame delivered before is done with: in the journal, already there, or not taken. */
  | {
      readonly type: 'settled'
      readonly outcome: 'journaled' | 'duplicate' | 'ignored' | 'rejected' | 'refused'
      readonly atMs: MonotonicMs
    }
  /** The line was opened anew: whatever was half said before is void. */
  | { readonly type: 'opened' }

export type LinkEffect =
  /**
   * Decode this payload and journal what it means, then feed `settled`. One at a time, in order.
   */
  | { readonly type: 'deliver'; readonly payload: Uint8Array; readonly raw: Uint8Array }
  | { readonly type: 'write'; readonly bytes: Uint8Array }
  /** Counted in the status; a rising count is a dying cable. */
  | { readonly type: 'count'; readonly counter: 'nak' | 'repeat' | 'late' }
