import assert from 'node:assert/strict'
import type { Random } from './random.js'

/**
 * Waiting times between attempts: exponential back-off with full jitter, so that five hundred
 * shops that lost HQ together do not come back together. The n-th wait is uniform between
 * `firstMs / 2` and min(`maxMs`, `firstMs` × 2ⁿ).
 */
export class RetrySchedule {
  readonly #firstMs: number
  readonly #maxMs: number
  readonly #random: Random
  #attempts = 0

  constructor(options: {
    readonly firstMs: number
    readonly maxMs: number
    readonly random: Random
  }) {
    assert(options.firstMs > 0 && options.maxMs >= options.firstMs)
    this.#firstMs = options.firstMs
    this.#maxMs = options.maxMs
    this.#random = options.random
  }

  nextMs(): number {
    const ceilingMs = Math.min(this.#maxMs, this.#firstMs * 2 ** this.#attempts)
    this.#attempts += 1
    const floorMs = this.#firstMs / 2
    return Math.round(floorMs + this.#random.unit() * (ceilingMs - floorMs))
  }

  /** Called after a success: the next failure starts from the first wait again. */
  reset(): void {
    this.#attempts = 0
  }
}
