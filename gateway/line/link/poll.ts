import { z } from 'zod'
import { equalBytes, fromHex } from '../../core/bytes.js'
import { hexBytes } from '../framing/framing-field.js'
import type { CommandOutcome, Link, LinkEffect, LinkInput, LinkStep } from './link.js'
import { unsupported } from './unsupported.js'

export const pollSchema = z.strictObject({
  type: z.literal('poll'),
  /** Sent one after the other, over and over, each once the one before was answered or given up. */
  requests: z.array(hexBytes).min(1).max(32),
  /** From the answer to one request to the next one. */
  everyMs: z.int().min(20).max(3_600_000),
  /** Silence after a request; then the next one's turn comes. */
  replyWithinMs: z.int().min(5).max(60_000),
  /** Requests in a row without an answer; then the terminal is absent, and asked ten times less. */
  absentAfter: z.int().min(1).max(1000).default(5),
  /** An answer that says what the last one to the same request said is not delivered again. */
  onlyChanges: z.boolean().default(true),
})

export type PollOptions = z.output<typeof pollSchema>

const ABSENT_SLOWDOWN = 10
/** The one command: ask now, and deliver what comes, news or not. */
const POLL = 'poll'

export interface PollState {
  /** The request that is out, or goes out next. */
  readonly turn: number
  readonly phase: 'waiting' | 'resting'
  readonly missed: number
  /** What each request was answered with last. */
  readonly answers: readonly (Uint8Array | undefined)[]
  /** Commands that the next answer is for. */
  readonly commands: readonly string[]
}

/** The gateway asks, the terminal answers: one request at a time, and an absent one asked less. */
export class PollLink implements Link<PollState> {
  readonly initial: PollState
  readonly answers = false
  readonly #options: PollOptions
  readonly #requests: readonly Uint8Array[]

  constructor(options: PollOptions) {
    this.#options = options
    this.#requests = options.requests.map(fromHex)
    const answers = options.requests.map(() => undefined)
    this.initial = { turn: 0, phase: 'resting', missed: 0, answers, commands: [] }
  }

  next(state: PollState, input: LinkInput): LinkStep<PollState> {
    switch (input.type) {
      case 'opened':
        return this.#ask({ ...state, turn: 0, missed: 0 })
      case 'elapsed':
        return state.phase === 'waiting' ? this.#missed(state) : this.#ask(state)
      case 'framed':
        return input.output.type === 'frame'
          ? this.#answered(state, input.output)
          : { state, effects: [] }
      case 'settled':
        return { state, effects: [] }
      case 'commanded':
        return input.command.verb === POLL
          ? this.#commanded(state, input.command.id)
          : unsupported(state, input.command)
    }
  }

  #commanded(state: PollState, id: string): LinkStep<PollState> {
    const asked = { ...state, commands: [...state.commands, id] }
    return state.phase === 'waiting' ? { state: asked, effects: [] } : this.#ask(asked)
  }

  #ask(state: PollState): LinkStep<PollState> {
    const { replyWithinMs } = this.#options
    const bytes = this.#requests[state.turn] ?? new Uint8Array(0)
    return {
      state: { ...state, phase: 'waiting' },
      effects: [{ type: 'write', bytes, replyWithinMs }],
    }
  }

  #rest(state: PollState, afterMs: number): LinkStep<PollState> {
    const turn = (state.turn + 1) % this.#requests.length
    return {
      state: { ...state, turn, phase: 'resting' },
      effects: [{ type: 'release' }, { type: 'timer', afterMs }],
    }
  }

  #missed(state: PollState): LinkStep<PollState> {
    const { everyMs, absentAfter } = this.#options
    const missed = state.missed + 1
    const unheard = answerAll(state, {
      type: 'failed',
      reason: 'timeout',
      detail: 'the terminal did not answer',
    })
    const isAbsent = missed >= absentAfter
    const rest = this.#rest(
      { ...state, missed, commands: [] },
      isAbsent ? everyMs * ABSENT_SLOWDOWN : everyMs,
    )
    const silent: readonly LinkEffect[] = missed === absentAfter ? [{ type: 'silent' }] : []
    return {
      state: rest.state,
      effects: [{ type: 'count', counter: 'timeout' }, ...unheard, ...silent, ...rest.effects],
    }
  }

  // What comes after its time may be the answer to another request: only its loss is certain.
  #answered(
    state: PollState,
    frame: { readonly payload: Uint8Array; readonly raw: Uint8Array },
  ): LinkStep<PollState> {
    if (state.phase === 'resting') return { state, effects: [{ type: 'count', counter: 'late' }] }
    const { payload, raw } = frame
    const last = state.answers[state.turn]
    const isWanted = !this.#options.onlyChanges || state.commands.length > 0
    const isNews = isWanted || last === undefined || !equalBytes(last, payload)
    const answers = state.answers.with(state.turn, payload)
    const told = answerAll(state, { type: 'successful', values: {} })
    const rest = this.#rest({ ...state, missed: 0, answers, commands: [] }, this.#options.everyMs)
    const deliver: readonly LinkEffect[] = isNews ? [{ type: 'deliver', payload, raw }] : []
    return { state: rest.state, effects: [...deliver, ...told, ...rest.effects] }
  }
}

function answerAll({ commands }: PollState, outcome: CommandOutcome): readonly LinkEffect[] {
  return commands.map(id => ({ type: 'answered', id, outcome }))
}
