import { equalBytes } from '../../core/bytes.js'
import type { Link, LinkInput, LinkStep } from '../../line/link/link.js'
import type { PollLink, PollState } from '../../line/link/poll.js'

/**
 * A scale that is asked in two steps: once it answers the poll with `ready`, it is sent `request`,
 * whose answer counts as the poll's. Every other answer stands for itself: not now.
 */
export class HandshakeLink implements Link<PollState> {
  readonly initial: PollState
  readonly answers = false
  readonly #poll: PollLink
  readonly #ready: Uint8Array
  readonly #request: Uint8Array
  readonly #replyWithinMs: number

  constructor(options: {
    readonly poll: PollLink
    readonly ready: Uint8Array
    readonly request: Uint8Array
    readonly replyWithinMs: number
  }) {
    this.#poll = options.poll
    this.#ready = options.ready
    this.#request = options.request
    this.#replyWithinMs = options.replyWithinMs
    this.initial = options.poll.initial
  }

  next(state: PollState, input: LinkInput): LinkStep<PollState> {
    const isReady =
      state.phase === 'waiting' &&
      input.type === 'framed' &&
      input.output.type === 'frame' &&
      equalBytes(input.output.payload, this.#ready)
    if (!isReady) return this.#poll.next(state, input)
    return {
      state,
      effects: [{ type: 'write', bytes: this.#request, replyWithinMs: this.#replyWithinMs }],
    }
  }
}
