import type { Clock, MonotonicMs } from '../core/clock.js'
import { LIMITS } from '../core/limits.js'
import type { Random } from '../core/random.js'

/**
 * Words that the status publishes: a command with one of them in it was signed since. They know no
 * wall clock, and none outlives the process: what an older one, or another card, was asked counts
 * for nothing here.
 */
export class Challenges {
  readonly #clock: Clock
  readonly #random: Random
  /** Newest first, and when each was made. */
  #made: readonly { readonly word: string; readonly atMs: MonotonicMs }[] = []

  constructor(options: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = options.clock
    this.#random = options.random
  }

  get current(): string {
    const nowMs = this.#clock.monotonicMs()
    const [newest] = this.#made
    if (newest !== undefined && nowMs - newest.atMs < LIMITS.challengeEveryMs) return newest.word
    const word = Buffer.from(this.#random.bytes(16)).toString('hex')
    const living = this.#made.filter(({ atMs }) => nowMs - atMs < LIMITS.challengeMs)
    this.#made = [{ word, atMs: nowMs }, ...living]
    return word
  }

  /** How long ago at most the command was signed that bears this word; nothing: who knows. */
  ageMs(word: string | undefined): number | undefined {
    const made = this.#made.find(each => each.word === word)
    const ageMs = made === undefined ? Infinity : this.#clock.monotonicMs() - made.atMs
    return ageMs < LIMITS.challengeMs ? ageMs : undefined
  }
}
