import type { Clock } from '../core/clock.js'
import type { EpochId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'

/** Consecutive records of one epoch that went one step further together. */
interface Step {
  readonly epoch: EpochId
  readonly first: number
  readonly last: number
  readonly atMs: number
}

/** When a record went out last, and when HQ was first known to have it; wall time. */
export interface Passage {
  readonly sentMs?: number
  readonly confirmedMs?: number
}

/** Remembers for a while when records were sent and confirmed; the journal knows only that. */
export class Journey {
  readonly #clock: Clock
  #sent: readonly Step[] = []
  #confirmed: readonly Step[] = []
  #receipts = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Receipts since the start. */
  get receipts(): number {
    return this.#receipts
  }

  sent(range: { readonly epoch: EpochId; readonly first: number; readonly last: number }): void {
    const { epoch, first, last } = range
    this.#sent = kept([...this.#sent, { epoch, first, last, atMs: this.#clock.wallMs() }])
  }

  confirmed(epochs: readonly { readonly epoch: EpochId; readonly upTo: number }[]): void {
    const atMs = this.#clock.wallMs()
    this.#receipts += 1
    const news = epochs.flatMap(({ epoch, upTo }) => {
      const before = this.#confirmed.findLast(step => step.epoch === epoch)?.last ?? 0
      return upTo > before ? [{ epoch, first: before + 1, last: upTo, atMs }] : []
    })
    if (news.length > 0) this.#confirmed = kept([...this.#confirmed, ...news])
  }

  of(place: { readonly epoch: EpochId; readonly seq: number }): Passage {
    const holds = ({ epoch, first, last }: Step): boolean =>
      epoch === place.epoch && first <= place.seq && place.seq <= last
    const sentMs = this.#sent.findLast(holds)?.atMs
    const confirmedMs = this.#confirmed.find(holds)?.atMs
    return {
      ...(sentMs === undefined ? {} : { sentMs }),
      ...(confirmedMs === undefined ? {} : { confirmedMs }),
    }
  }
}

function kept(steps: readonly Step[]): readonly Step[] {
  return steps.slice(-LIMITS.journeySteps)
}
