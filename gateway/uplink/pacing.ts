import type { MonotonicMs } from '../core/clock.js'
import { LIMITS } from '../core/limits.js'

/** HQ's least credit: one place for the backlog, one for what was journaled just now. */
const LEAST_CREDIT = 2

/**
 * How much to have on its way at once, by how long receipts take. What a slow link cannot carry
 * within the patience for its answer would be sent again for ever, and nothing would arrive.
 */
export class Pacing {
  readonly #patienceMs: number
  #bytes: number = LIMITS.uplinkInFlightBytes
  #changedMs: MonotonicMs = Number.NEGATIVE_INFINITY

  /** `patienceMs`: after how long a batch counts as lost. */
  constructor(options: { readonly patienceMs: number }) {
    this.#patienceMs = options.patienceMs
  }

  /** Bytes of a batch at most, before gzip; a single record may have more. */
  get batchBytes(): number {
    return Math.min(LIMITS.batchBytes, this.#bytes / LEAST_CREDIT)
  }

  /** Batches that may be on their way, of those that HQ takes. */
  creditOf(offered: number): number {
    const fitting = Math.floor(this.#bytes / LIMITS.batchBytes)
    return Math.min(offered, Math.max(LEAST_CREDIT, fitting))
  }

  /** A receipt covers a batch: quickly means that more may be sent, late that it was too much. */
  answered({ sentMs, nowMs }: { readonly sentMs: MonotonicMs; readonly nowMs: MonotonicMs }): void {
    // What was sent before the last change says nothing about it.
    if (sentMs < this.#changedMs) return
    const tookMs = nowMs - sentMs
    if (tookMs > this.#patienceMs / 2) this.#change(this.#bytes / 2, nowMs)
    else if (tookMs < this.#patienceMs / 4) this.#change(this.#bytes * 2, nowMs)
  }

  /** Sending ended, and the oldest batch had no receipt yet. */
  unanswered({ sentMs, nowMs }: { readonly sentMs: MonotonicMs; readonly nowMs: MonotonicMs }) {
    if (nowMs - sentMs > this.#patienceMs / 2) this.#change(this.#bytes / 8, nowMs)
  }

  #change(bytes: number, nowMs: MonotonicMs): void {
    const { uplinkInFlightBytes, uplinkLeastBytes } = LIMITS
    this.#bytes = Math.min(uplinkInFlightBytes, Math.max(uplinkLeastBytes, bytes))
    this.#changedMs = nowMs
  }
}
