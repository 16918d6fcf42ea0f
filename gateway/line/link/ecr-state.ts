import type { MonotonicMs } from '../../core/clock.js'
import type { EcrRequest } from './ecr-language.js'
import type { CommandOutcome, LinkCommand, LinkStep } from './link.js'

/** One request, from the command to its answer. */
export interface Job {
  readonly command: LinkCommand
  readonly request: EcrRequest
  /** The command whose outcome this one asks for; none asked where the line just opened. */
  readonly about: LinkCommand | 'nobody' | undefined
  readonly tries: number
  /** When the terminal refused it last. */
  readonly refusedMs?: MonotonicMs
}

/** The journal writes what the terminal said. */
export interface Settling {
  readonly type: 'settling'
  readonly payload: Uint8Array
  /** The request that it answers; undefined where it only tells something. */
  readonly answered: Job | undefined
  /** What goes on behind it, where it is no answer. */
  readonly back: Extract<Phase, { type: 'idle' | 'bidding' | 'waiting' }>
  readonly sinceMs: MonotonicMs
}

export type Phase =
  | { readonly type: 'idle' }
  /** The journal writes that the terminal is about to be asked. */
  | { readonly type: 'announcing'; readonly job: Job }
  /** ENQ is out. */
  | { readonly type: 'bidding'; readonly job: Job }
  /** The request is out, and perhaps something else was heard since. */
  | { readonly type: 'sending'; readonly job: Job; readonly isDisturbed: boolean }
  | { readonly type: 'waiting'; readonly job: Job }
  | Settling
  /** The journal writes that nobody knows what came of it. */
  | { readonly type: 'doubting'; readonly job: Job }

export interface EcrState {
  readonly phase: Phase
  /** Of what happened last. */
  readonly nowMs: MonotonicMs
  /** A command that came while the line was asked for its last payment. */
  readonly next: LinkCommand | undefined
}

export type Step = LinkStep<EcrState>

export const IDLE: Phase & { readonly type: 'idle' } = { type: 'idle' }

/** The request that is under way. */
export function jobOf(phase: Phase): Job | undefined {
  if (phase.type === 'settling') return phase.answered ?? jobOf(phase.back)
  return phase.type === 'idle' ? undefined : phase.job
}

export function unchanged(state: EcrState): Step {
  return { state, effects: [] }
}

export function repeated(state: EcrState): Step {
  return { state, effects: [{ type: 'count', counter: 'repeat' }] }
}

export function answered(state: EcrState, { id }: LinkCommand, outcome: CommandOutcome): Step {
  return { state, effects: [{ type: 'answered', id, outcome }] }
}

export function rejected(detail: string): Extract<CommandOutcome, { readonly type: 'failed' }> {
  return { type: 'failed', reason: 'rejected', detail }
}

export function unknown(detail: string): CommandOutcome {
  return { type: 'failed', reason: 'unknown', detail }
}
