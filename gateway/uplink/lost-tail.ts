import type { EpochExtent } from '../journal/journal.js'
import type { EpochReceipt } from '../wire/receipt.js'

/**
 * What HQ has of an epoch beyond our own end of it: this journal lost its tail (sync.md, rule 3).
 */
export function lostTails(
  epochs: readonly EpochExtent[],
  receipt: readonly EpochReceipt[],
): readonly string[] {
  return epochs.flatMap(({ epoch, last }) => {
    const upTo = receipt.find(confirmed => confirmed.epoch === epoch)?.upTo ?? 0
    return upTo > last ? [`HQ holds ${epoch} up to ${upTo}, this journal only to ${last}`] : []
  })
}
