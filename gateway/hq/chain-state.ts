import { z } from 'zod'
import { epochIdSchema } from '../core/id-schema.js'
import type { EpochId } from '../core/ids.js'
import type { Range, RangeSet } from '../core/range-set.js'

const digest = z.string().regex(/^[0-9a-f]{64}$/)

const range = z.tuple([z.int().min(1), z.int().min(1)])

const segment = z.strictObject({
  first: z.int().min(1),
  last: z.int().min(1),
  /** Chain hash of the record before `first`. */
  prev: digest,
  /** Chain hash of the record `last`. */
  head: digest,
})

/** What a ledger knows of the chain of one epoch of one store. */
export const chainState = z.strictObject({
  epoch: epochIdSchema,
  /** What is committed, ascending, never touching. */
  segments: z.array(segment),
  /** Where the epoch ended, in the words of the epoch that came after it. */
  end: z.strictObject({ by: epochIdSchema, last: z.int().min(0), head: digest }).exactOptional(),
  /**
   * What was committed at backup points, ascending: each stands for its point and for those between
   * the one before and it. For points behind the last it is what is committed now.
   */
  backed: z
    .array(z.strictObject({ point: z.int().min(1), ranges: z.array(range) }))
    .exactOptional(),
})

export type ChainState = z.infer<typeof chainState>
export type Segment = z.infer<typeof segment>
export type EpochEnd = NonNullable<ChainState['end']>

export function emptyChain(epochId: EpochId): ChainState {
  return { epoch: epochId, segments: [] }
}

export function coverage(state: ChainState): RangeSet {
  return state.segments.map(({ first, last }): Range => [first, last])
}

/**
 * The state with a segment that overlaps none of it, and the places between which the chain turns
 * out to be broken: where ranges meet, the later must continue the hash of the earlier.
 */
export function addSegment(
  state: ChainState,
  added: Segment,
): { readonly state: ChainState; readonly breaksAfter: readonly number[] } {
  const before = state.segments.find(({ last }) => last === added.first - 1)
  const after = state.segments.find(({ first }) => first === added.last + 1)
  const joined: Segment = {
    first: before?.first ?? added.first,
    last: after?.last ?? added.last,
    prev: before?.prev ?? added.prev,
    head: after?.head ?? added.head,
  }
  const breaksAfter = [
    ...(before !== undefined && before.head !== added.prev ? [before.last] : []),
    ...(after !== undefined && after.prev !== added.head ? [added.last] : []),
  ]
  const apart = state.segments.filter(known => known !== before && known !== after)
  const segments = [...apart, joined].sort((left, right) => left.first - right.first)
  return { state: { ...state, segments }, breaksAfter }
}
