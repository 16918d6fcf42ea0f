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
  /**
   * The line is over, or one of its several senders: nothing is added to what the link still holds,
   * nor to what silence would have made of the framer's buffer. Absent: that is void.
   */
  ended?(state: State, what: LinkEnd): LinkStep<State>
}

export interface LinkEnd {
  /** Of a `line` no timer will elapse any more. */
  readonly of: 'line' | 'sender'
  readonly rest: readonly FramerOutput[]
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
  /** The line was opened anew: whatever was half said before is void, and so is the timer. */
  | { readonly type: 'opened' }
  /** The time that the last `timer` effect asked for is over. */
  | { readonly type: 'elapsed'; readonly atMs: MonotonicMs }
  /** Someone wants the terminal to do something; the link answers each with one `answered`. */
  | { readonly type: 'commanded'; readonly command: LinkCommand; readonly atMs: MonotonicMs }

export type LinkEffect =
  /**
   * Decode this payload and journal what it means, then feed `settled`. One at a time, in order.
   */
  | { readonly type: 'deliver'; readonly payload: Uint8Array; readonly raw: Uint8Array }
  /**
   * `replyWithinMs`: a request. `elapsed` is fed so long after its bytes went out, as by a `timer`.
   * Where several terminals share a line, it is this one's alone until then, or until a `release`.
   */
  | { readonly type: 'write'; readonly bytes: Uint8Array; readonly replyWithinMs?: number }
  | { readonly type: 'release' }
  /** Feed `elapsed` after so long. A link has one timer: a new one replaces it. */
  | { readonly type: 'timer'; readonly afterMs: number }
  /** The terminal has not answered for so long that it is taken for absent; a frame ends it. */
  | { readonly type: 'silent' }
  | { readonly type: 'answered'; readonly id: string; readonly outcome: CommandOutcome }
  /** Counted in the status; a rising count is a dying cable. */
  | { readonly type: 'count'; readonly counter: LinkCounter }

export type LinkCounter = 'nak' | 'repeat' | 'late' | 'timeout'

/** What a terminal is to do, in the words of its protocol. */
export interface LinkCommand {
  readonly id: string
  readonly verb: string
  readonly values: Readonly<Record<string, string | number | boolean>>
  /** It is not begun from then on, however long it had to wait for the line. */
  readonly untilMs?: MonotonicMs
  /** Asks what came of this one, where the verb asks for the last payment. */
  readonly about?: Pick<LinkCommand, 'verb' | 'values'>
}

export function isExpired(
  { untilMs = Infinity }: Pick<LinkCommand, 'untilMs'>,
  atMs: MonotonicMs,
): boolean {
  return atMs >= untilMs
}

/** What waited for too long was not begun. */
export const EXPIRED: CommandOutcome = {
  type: 'failed',
  reason: 'expired',
  detail: 'its time was over before it was begun',
}

/** Of commands that wait their turn those that may still begin, and the answers to the others. */
export function stillDue<Command extends Pick<LinkCommand, 'id' | 'untilMs'>>(
  commands: readonly Command[],
  atMs: MonotonicMs,
): { readonly due: readonly Command[]; readonly told: readonly LinkEffect[] } {
  return {
    due: commands.filter(command => !isExpired(command, atMs)),
    told: commands
      .filter(command => isExpired(command, atMs))
      .map(({ id }) => ({ type: 'answered', id, outcome: EXPIRED })),
  }
}

/** What came of a command; `unknown`: nobody can say whether it was carried out. */
export type CommandOutcome =
  | { readonly type: 'successful'; readonly values: LinkCommand['values'] }
  | {
      readonly type: 'failed'
      readonly reason: 'rejected' | 'timeout' | 'expired' | 'unsupported' | 'unknown'
      readonly detail: string
      /** Nothing was begun, and it is worth asking again: the line or the terminal is not ready. */
      readonly notYet?: true
      /** The terminal says so itself, of the command that it was asked about. */
      readonly notDone?: true
    }
