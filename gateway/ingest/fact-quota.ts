import { epochOrdinal } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import type { EpochExtent, Journal } from '../journal/journal.js'

interface Place {
  readonly epoch: EpochExtent['epoch']
  readonly seq: number
}

/**
 * How many bytes of facts one terminal has in the journal that HQ has not confirmed, as far as this
 * process wrote them. They count until all of them are confirmed.
 */
export class FactQuota {
  readonly #journal: Journal
  #bytes = 0
  #written: { readonly first: Place; readonly last: Place } | undefined

  constructor(journal: Journal) {
    this.#journal = journal
  }

  get isUsedUp(): boolean {
    if (this.#bytes < LIMITS.factBytes) return false
    if (this.#isPending()) return true
    this.#bytes = 0
    this.#written = undefined
    return false
  }

  /** Right after they were journaled. */
  add(bytes: number): void {
    const newest = this.#journal.epochs().at(-1)
    if (newest === undefined) return
    const last = { epoch: newest.epoch, seq: newest.last }
    this.#written = { first: this.#written?.first ?? last, last }
    this.#bytes += bytes
  }

  #isPending(): boolean {
    const written = this.#written
    if (written === undefined) return false
    return this.#journal
      .epochs()
      .some(({ epoch, pending }) =>
        pending.some(
          ([first, last]) =>
            inOrder({ epoch, seq: first }, written.last) <= 0 &&
            inOrder(written.first, { epoch, seq: last }) <= 0,
        ),
      )
  }
}

function inOrder(one: Place, other: Place): number {
  return epochOrdinal(one.epoch) - epochOrdinal(other.epoch) || one.seq - other.seq
}
