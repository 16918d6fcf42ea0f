import type { MonotonicMs } from '../core/clock.js'
import type { EpochReceipt } from '../wire/receipt.js'
import type { SendRange } from './send-plan.js'

interface Sent extends SendRange {
  readonly sentMs: MonotonicMs
}

/** Batches on their way to HQ that no receipt covers yet, and when to stop waiting for one. */
export class InFlight {
  readonly #timeoutMs: number
  #sent: readonly Sent[] = []
  /** When HQ was last heard, and when the newest batch was sent that it has. */
  #heardMs = 0
  #newestCoveredMs = Number.NEGATIVE_INFINITY

  constructor(options: { readonly timeoutMs: number }) {
    this.#timeoutMs = options.timeoutMs
  }

  get ranges(): readonly SendRange[] {
    return this.#sent
  }

  /** A receipt has covered something. */
  get hasCovered(): boolean {
    return this.#newestCoveredMs > Number.NEGATIVE_INFINITY
  }

  add(range: SendRange, nowMs: MonotonicMs): void {
    this.#sent = [...this.#sent, { ...range, sentMs: nowMs }]
  }

  /** Nothing of it was sent. */
  remove(range: SendRange): void {
    this.#sent = this.#sent.filter(sent => !startsAs(sent, range))
  }

  /** Fewer records than planned fitted into the batch: the rest is free to be planned again. */
  shorten(range: SendRange, last: number): void {
    this.#sent = this.#sent.map(sent => (startsAs(sent, range) ? { ...sent, last } : sent))
  }

  /** When the oldest was sent; infinity where nothing is on its way. */
  get oldestMs(): MonotonicMs {
    return Math.min(...this.#sent.map(({ sentMs }) => sentMs))
  }

  /** Forgets what the receipt covers whole, and says when each of it was sent. */
  cover(receipt: readonly EpochReceipt[], nowMs: MonotonicMs): readonly MonotonicMs[] {
    this.#heardMs = nowMs
    const covered = this.#sent.filter(sent => receipt.some(epoch => covers(epoch, sent)))
    this.#sent = this.#sent.filter(sent => !covered.includes(sent))
    const sent = covered.map(({ sentMs }) => sentMs)
    this.#newestCoveredMs = Math.max(this.#newestCoveredMs, ...sent)
    return sent
  }

  /**
   * When the first batch counts as lost: so long after it was sent if HQ has a later one, else so
   * long after HQ was last heard, for a slow HQ must not be sent everything twice.
   */
  deadlineMs(): MonotonicMs {
    const deadlines = this.#sent.map(({ sentMs }) =>
      sentMs < this.#newestCoveredMs ? sentMs : Math.max(sentMs, this.#heardMs),
    )
    return Math.min(...deadlines) + this.#timeoutMs
  }
}

function startsAs(sent: SendRange, range: SendRange): boolean {
  return sent.epoch === range.epoch && sent.first === range.first
}

function covers(receipt: EpochReceipt, range: SendRange): boolean {
  return (
    receipt.epoch === range.epoch &&
    range.last <= receipt.upTo &&
    !receipt.missing.some(([first, last]) => first <= range.last && last >= range.first)
  )
}
