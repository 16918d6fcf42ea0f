import type { MonotonicMs } from '../core/clock.js'

const MINUTE_MS = 60_000

/** How much a count grew in the last minute. */
export class RateMeter {
  readonly #samples: { readonly atMs: MonotonicMs; readonly count: number }[] = []

  note(count: number, atMs: MonotonicMs): void {
    this.#samples.push({ atMs, count })
    // One sample older than the minute stays: growth is counted from it.
    while ((this.#samples[1]?.atMs ?? Number.POSITIVE_INFINITY) <= atMs - MINUTE_MS)
      this.#samples.shift()
  }

  get perMinute(): number {
    return (this.#samples.at(-1)?.count ?? 0) - (this.#samples[0]?.count ?? 0)
  }
}
