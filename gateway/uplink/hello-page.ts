import { type EpochId, epochOrdinal } from '../core/ids.js'
import type { EpochExtent } from '../journal/journal.js'

/** Epochs that one hello asks about: a number of closed ones, oldest first, and the current. */
export interface HelloPage {
  readonly epochs: readonly EpochExtent[]
  /** Of the newest closed one; the next page begins behind it. */
  readonly upToOrdinal: number
  /** There are closed epochs behind it, for another hello. */
  readonly hasNext: boolean
}

/** The epochs behind an ordinal; all of a journal that was not opened a thousand times. */
export function helloPage(
  all: readonly EpochExtent[],
  page: { readonly afterOrdinal: number; readonly closed: number },
): HelloPage {
  const current = all.slice(-1)
  const later = all.slice(0, -1).filter(({ epoch }) => epochOrdinal(epoch) > page.afterOrdinal)
  const closed = later.slice(0, page.closed)
  const newest = closed.at(-1)
  return {
    epochs: [...closed, ...current],
    upToOrdinal: newest === undefined ? page.afterOrdinal : epochOrdinal(newest.epoch),
    hasNext: later.length > closed.length,
  }
}

/** What a receipt for this hello speaks of: the epochs asked about, and those begun since. */
export function asked(
  all: readonly EpochExtent[],
  { epochs }: HelloPage,
): { readonly extents: readonly EpochExtent[]; readonly ids: ReadonlySet<EpochId> } {
  const named = new Set(epochs.map(({ epoch }) => epoch))
  const newest = Math.max(0, ...epochs.map(({ epoch }) => epochOrdinal(epoch)))
  const extents = all.filter(({ epoch }) => named.has(epoch) || epochOrdinal(epoch) > newest)
  return { extents, ids: new Set(extents.map(({ epoch }) => epoch)) }
}
