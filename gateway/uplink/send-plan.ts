import { type EpochId, epochOrdinal } from '../core/ids.js'
import { clip, missingRanges, type Range, type RangeSet } from '../core/range-set.js'
import type { EpochExtent } from '../journal/journal.js'

/** Consecutive records of one epoch that travel together. */
export interface SendRange {
  readonly epoch: EpochId
  readonly first: number
  readonly last: number
  /** Journaled before this session began. */
  readonly historical: boolean
}

/**
 * The head of the journal when a session began: up to here everything is backlog. An epoch that
 * begins later, because the journal had to be reopened, is live.
 */
export interface Border {
  readonly epoch: EpochId
  readonly last: number
}

export interface SendSituation {
  /** Oldest first, as the journal gives them. */
  readonly epochs: readonly EpochExtent[]
  readonly inFlight: readonly SendRange[]
  /** Not to be sent in this session, whatever the journal says. */
  readonly skipped?: readonly ReadonlyMap<EpochId, RangeSet>[]
  readonly border: Border
  /** Ranges that may be in flight together; at least 2. */
  readonly credit: number
  readonly maxRecords: number
}

/**
 * What to send next, if anything. What was journaled just now goes first and the backlog beside it:
 * while both wait, each is left one place in the window (sync.md, rule 4).
 */
export function nextRange(situation: SendSituation): SendRange | undefined {
  const { inFlight, credit } = situation
  if (inFlight.length >= credit) return undefined
  const live = firstFree(situation, { among: liveRanges(situation), historical: false })
  const backlog = firstFree(situation, { among: backlogRanges(situation), historical: true })
  const backlogSent = inFlight.filter(range => range.historical).length
  const isBacklogThere = backlog !== undefined || backlogSent > 0
  const livePlaces = isBacklogThere ? credit - 1 : credit
  if (live !== undefined && inFlight.length - backlogSent < livePlaces) return live
  return backlogSent < credit - 1 ? backlog : undefined
}

interface EpochRanges {
  readonly epoch: EpochId
  readonly ranges: RangeSet
}

function liveRanges({ epochs, border }: SendSituation): readonly EpochRanges[] {
  return epochs
    .filter(({ epoch }) => epochOrdinal(epoch) >= epochOrdinal(border.epoch))
    .map(({ epoch, pending }) => ({
      epoch,
      ranges: epoch === border.epoch ? clip(pending, [border.last + 1, Infinity]) : pending,
    }))
}

function backlogRanges({ epochs, border }: SendSituation): readonly EpochRanges[] {
  return epochs
    .filter(({ epoch }) => epochOrdinal(epoch) <= epochOrdinal(border.epoch))
    .map(({ epoch, pending }) => ({
      epoch,
      ranges: epoch === border.epoch ? clip(pending, [1, border.last]) : pending,
    }))
}

/** The first records of these that are on their way nowhere. */
function firstFree(
  { inFlight, skipped = [], maxRecords }: SendSituation,
  { among, historical }: { readonly among: readonly EpochRanges[]; readonly historical: boolean },
): SendRange | undefined {
  for (const { epoch, ranges } of among) {
    const sent = inFlight
      .filter(range => range.epoch === epoch)
      .map((range): Range => [range.first, range.last])
    const taken = [...sent, ...skipped.flatMap(each => each.get(epoch) ?? [])]
    taken.sort(([left], [right]) => left - right)
    const [free] = ranges.flatMap(range => missingRanges(taken, range))
    if (free === undefined) continue
    const [first, end] = free
    return { epoch, first, last: Math.min(end, first + maxRecords - 1), historical }
  }
  return undefined
}
