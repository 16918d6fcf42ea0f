import type { Clock, MonotonicMs } from '../core/clock.js'
import { LIMITS } from '../core/limits.js'

/** What is wrong with a line on which bytes come and nothing is said. */
export type Complaint = { readonly type: 'garbled' | 'babbling'; readonly reason: string }

/**
 * Bytes that make no sense, since the last that did: a wrong speed or parity, a broken cable, a
 * device that talks without end.
 */
export class Garbage {
  readonly #clock: Clock
  #bytes = 0
  #rejects = 0
  #window: { readonly sinceMs: MonotonicMs; readonly bytes: number } = { sinceMs: 0, bytes: 0 }

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** What is to be said of the line; nothing while it may be a mere disturbance. */
  get complaint(): Complaint | undefined {
    const { bytes } = this.#window
    if (bytes >= LIMITS.babbleBytes && this.#bytes >= LIMITS.babbleBytes)
      return { type: 'babbling', reason: `${bytes} bytes within a second, and no frame in them` }
    if (this.#rejects >= LIMITS.garbledFrames)
      return { type: 'garbled', reason: `${this.#rejects} frames in a row that nobody understands` }
    if (this.#bytes < LIMITS.garbledBytes) return undefined
    return { type: 'garbled', reason: 'bytes come and make no frame: check speed, parity, cable' }
  }

  discarded(bytes: number): void {
    const nowMs = this.#clock.monotonicMs()
    const { sinceMs } = this.#window
    const window = nowMs - sinceMs < 1000 ? this.#window : { sinceMs: nowMs, bytes: 0 }
    this.#window = { ...window, bytes: window.bytes + bytes }
    this.#bytes += bytes
  }

  framed(): void {
    this.#bytes = 0
    this.#window = { ...this.#window, bytes: 0 }
  }

  rejected(): void {
    this.#rejects += 1
  }

  understood(): void {
    this.#rejects = 0
  }
}
