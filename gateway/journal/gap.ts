import { z } from 'zod'
import { epochIdSchema } from '../core/id-schema.js'
import type { EpochId } from '../core/ids.js'
import { addRange, missingRanges, type RangeSet } from '../core/range-set.js'
import { gapKind } from '../event/journal-records.js'
import type { Digest } from '../wire/record.js'

/**
 * Records of an epoch that were journaled once and cannot be read any more. Nobody sends them and
 * nothing waits for them; what is removed goes past them once HQ knows their `journal.gap`.
 */
export const gapSchema = z.object({
  first: z.int().min(1),
  last: z.int().min(1),
  kind: gapKind,
  cause: z.string().max(200),
  /** Chain hash of the record `last`, where it is known: what comes after continues it. */
  head: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .exactOptional(),
  /** Where its `journal.gap` stands; absent until it does. */
  named: z.object({ epoch: epochIdSchema, seq: z.int().min(1) }).exactOptional(),
})

export type Gap = z.infer<typeof gapSchema>

/** A gap, and whose it is. */
export interface EpochGap extends Gap {
  readonly epoch: EpochId
}

/** An epoch as its gaps see it. */
interface Extent {
  readonly epoch: EpochId
  readonly first: number
  readonly last: number
  readonly previous: Digest
  readonly gaps?: readonly Gap[]
}

/** What of an epoch's extent is still there. */
export function keptRanges({ first, last, gaps = [] }: Extent): RangeSet {
  return missingRanges(withLost([], { gaps }), [first, last])
}

/** The gap that a place lies in. */
export function gapAt({ gaps = [] }: Pick<Extent, 'gaps'>, seq: number): Gap | undefined {
  return gaps.find(({ first, last }) => first <= seq && seq <= last)
}

/** Chain hash of the record before a place, where it is known without reading that record. */
export function hashBefore(
  { first, previous, gaps = [] }: Extent,
  seq: number,
): Digest | undefined {
  return seq === first ? previous : gaps.find(({ last }) => last === seq - 1)?.head
}

/** The set with what is lost in it, too. */
export function withLost(set: RangeSet, { gaps = [] }: Pick<Extent, 'gaps'>): RangeSet {
  return gaps.reduce((all: RangeSet, { first, last }) => addRange(all, [first, last]), set)
}

/** The extent with one more gap. */
export function withGap<Of extends Extent>(extent: Of, gap: Gap): Of {
  const gaps = [...(extent.gaps ?? []), gap].sort((left, right) => left.first - right.first)
  return { ...extent, gaps }
}
