import { missingRanges, type RangeSet } from '../core/range-set.js'
import type { EpochReceipt } from '../wire/receipt.js'

/** What of an earlier receipt a later one takes back: the first record of it, or nothing. */
export function takenBack(
  before: readonly EpochReceipt[],
  now: readonly EpochReceipt[],
): (Pick<EpochReceipt, 'epoch'> & { readonly seq: number }) | undefined {
  const present = new Map(now.map(receipt => [receipt.epoch, confirmed(receipt)]))
  for (const receipt of before) {
    const held = present.get(receipt.epoch) ?? []
    const [gone] = confirmed(receipt).flatMap(range => missingRanges(held, range))
    if (gone !== undefined) return { epoch: receipt.epoch, seq: gone[0] }
  }
  return undefined
}

function confirmed({ upTo, missing }: EpochReceipt): RangeSet {
  return upTo === 0 ? [] : missingRanges(missing, [1, upTo])
}
