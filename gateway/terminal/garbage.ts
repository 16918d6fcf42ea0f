import type { Clock, MonotonicMs } from '../core/clock.js'
import { LIMITS } from '../core/limits.js'

/** What is wrong with a line on which bytes come and nothing is said. */
export interface Complaint {
  readonly type: 'garbled' | 'babbling'
  readonly reason: string
}

/** Silence after which further garbage is another burst. */
const BURST_GAP_MS = 250
/** A burst that lasts so long is no message that went wrong. */
const BABBLE_MS = 1000

/**
 * Bytes that make no sense, since the last that did: a wrong speed or parity, a broken cable, a
 * device that talks without end.
 */
export class Garbage {
  readonly #clock: Clock
  #bytes = 0
  #rejects = 0
  #burst = { sinceMs: 0, lastMs: 0, bytes: 0 }

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** What is to be said of the line; nothing while it may be a mere disturbance. */
  get complaint(): Complaint | undefined {
    const { sinceMs, lastMs, bytes } = this.#burst
    if (lastMs - sinceMs >= BABBLE_MS && bytes >= LIMITS.babbleBytes)
      return { type: 'babbling', reason: `${bytes} bytes without a pause, and no frame in them` }
    if (this.#rejects >= LIMITS.garbledFrames)
      return { type: 'garbled', reason: `${this.#rejects} frames in a row that nobody understands` }
    if (this.#bytes < LIMITS.garbledBytes) return undefined
    return { type: 'garbled', reason: 'bytes come and make no frame: check speed, parity, cable' }
  }

  /** Whether it is the first since the last frame. */
  discarded(bytes: number): boolean {
    const isFirst = this.#bytes === 0
    const lastMs: MonotonicMs = this.#clock.monotonicMs()
    const isNew = this.#burst.bytes === 0 || lastMs - this.#burst.lastMs > BURST_GAP_MS
    const before = isNew ? { sinceMs: lastMs, bytes: 0 } : this.#burst
    this.#burst = { sinceMs: before.sinceMs, lastMs, bytes: before.bytes + bytes }
    this.#bytes += bytes
    return isFirst
  }

  framed(): void {
    this.#bytes = 0
    this.#burst = { sinceMs: 0, lastMs: 0, bytes: 0 }
  }

  rejected(): void {
    this.#rejects += 1
  }

  understood(): void {
    this.#rejects = 0
  }
}
