import type { EpochExtent } from '../journal/journal.js'
import type { EpochReceipt } from '../wire/receipt.js'
import type { Alarm } from './alarms.js'

/**
 * What HQ has of an epoch beyond our own end of it: this journal lost its tail (sync.md, rule 3).
 */
export function lostTails(
  epochs: readonly EpochExtent[],
  receipt: readonly EpochReceipt[],
): readonly Alarm[] {
  return epochs.flatMap(({ epoch, last }) => {
    const upTo = receipt.find(confirmed => confirmed.epoch === epoch)?.upTo ?? 0
    if (upTo <= last) return []
    const text = `HQ holds ${epoch} up to ${upTo}, this journal only to ${last}`
    return [{ key: `lost tail of ${epoch}`, text, details: { epoch, upTo, last } }]
  })
}
