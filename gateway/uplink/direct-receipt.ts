import type { EpochId } from '../core/ids.js'
import { addRange, missingRanges, type RangeSet } from '../core/range-set.js'
import type { EpochExtent } from '../journal/journal.js'
import { type EpochReceipt, makeEpochReceipt } from '../wire/receipt.js'

/**
 * Direct mode has no HQ that says what it holds: the whole of what is confirmed is what the journal
 * does not call pending, and what the broker has acknowledged since. None of it is
 * `safe`: the journal keeps it for its days, and with it the ids by which it knows a till that
 * repeats itself (sync.md, rule 10).
 */
export function directReceipt(
  epochs: readonly EpochExtent[],
  acknowledged: ReadonlyMap<EpochId, RangeSet>,
): readonly EpochReceipt[] {
  return epochs.map(({ epoch, last, pending }) => {
    let confirmed = last > 0 ? missingRanges(pending, [1, last]) : []
    for (const range of acknowledged.get(epoch) ?? []) confirmed = addRange(confirmed, range)
    return makeEpochReceipt(epoch, confirmed)
  })
}
