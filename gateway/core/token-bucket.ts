import type { Clock, MonotonicMs } from './clock.js'

/** So many at once, then one every so often. */
export class TokenBucket {
  readonly #clock: Clock
  readonly #burst: number
  readonly #everyMs: number
  #tokens: number
  #atMs: MonotonicMs

  constructor(options: {
    readonly clock: Clock
    readonly burst: number
    readonly everyMs: number
  }) {
    this.#clock = options.clock
    this.#burst = options.burst
    this.#everyMs = options.everyMs
    this.#tokens = options.burst
    this.#atMs = options.clock.monotonicMs()
  }

  /** Whether there was one. */
  take(): boolean {
    this.#earn()
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }

  /** Takes the next one in any case: how long until it is due. */
  reserve(): number {
    this.#earn()
    this.#tokens -= 1
    return Math.max(0, -this.#tokens * this.#everyMs)
  }

  #earn(): void {
    const nowMs = this.#clock.monotonicMs()
    const earned = (nowMs - this.#atMs) / this.#everyMs
    this.#tokens = Math.min(this.#burst, this.#tokens + earned)
    this.#atMs = nowMs
  }
}
