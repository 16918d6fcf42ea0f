import type { Clock, MonotonicMs } from '../core/clock.js'
import { LIMITS } from '../core/limits.js'

const HOUR_MS = 60 * 60 * 1000

/**
 * How fast the journal grows: the average of what was appended, where an hour ago counts e^(-1/12)
 * of now (`LIMITS.rateMemoryHours`). Not known before it was watched for `LIMITS.rateAfterMs`.
 */
export class AppendRate {
  readonly #clock: Clock
  readonly #startedMs: MonotonicMs
  #atMs: MonotonicMs
  /** Bytes appended, the older the lighter. */
  #weighted = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#startedMs = clock.monotonicMs()
    this.#atMs = this.#startedMs
  }

  add(bytes: number): void {
    this.#age()
    this.#weighted += bytes
  }

  get bytesPerHour(): number | undefined {
    this.#age()
    const watchedMs = this.#atMs - this.#startedMs
    if (watchedMs < LIMITS.rateAfterMs) return undefined
    // The hours watched, each with the weight that its bytes have.
    const hours = LIMITS.rateMemoryHours * (1 - fading(watchedMs))
    return this.#weighted / hours
  }

  #age(): void {
    const nowMs = this.#clock.monotonicMs()
    this.#weighted *= fading(nowMs - this.#atMs)
    this.#atMs = nowMs
  }
}

/** What is left of a weight after so long. */
function fading(ms: number): number {
  return Math.exp(-ms / (LIMITS.rateMemoryHours * HOUR_MS))
}
