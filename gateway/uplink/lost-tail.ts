import type { EpochGap } from '../journal/gap.js'
import type { EpochExtent } from '../journal/journal.js'
import type { EpochReceipt } from '../wire/receipt.js'
import type { Alarm } from './alarms.js'

/** A tail that this journal lost, to be told here, and to be named to HQ. */
export interface LostTail extends Alarm {
  /** Nothing of the current epoch: it goes on, and its next record is not lost. */
  readonly gap: EpochGap | undefined
}

/**
 * What HQ has of an epoch beyond our own end of it: this journal lost its tail (sync.md, rule 3).
 * `epochs`: oldest first, the last one is the current.
 */
export function lostTails(
  epochs: readonly EpochExtent[],
  receipt: readonly EpochReceipt[],
): readonly LostTail[] {
  const held = new Map(receipt.map(({ epoch, upTo }) => [epoch, upTo]))
  return epochs.flatMap(({ epoch, last }, index) => {
    const upTo = held.get(epoch) ?? 0
    if (upTo <= last) return []
    const text = `HQ holds ${epoch} up to ${upTo}, this journal only to ${last}`
    const cause = `HQ holds it up to ${upTo}`
    const gap = { epoch, first: last + 1, last: upTo, kind: 'tail-lost', cause } as const
    const isCurrent = index === epochs.length - 1
    const key = `lost tail of ${epoch}`
    return [{ key, text, details: { epoch, upTo, last }, gap: isCurrent ? undefined : gap }]
  })
}
