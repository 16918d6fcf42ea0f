import { z } from 'zod'
import { epochIdSchema, ledgerIdSchema } from '../core/id-schema.js'
import type { EpochId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import { missingRanges, type RangeSet } from '../core/range-set.js'
import type { Result } from '../core/result.js'
import { decodeJson } from '../core/schema.js'

const range = z.tuple([z.int().min(1), z.int().min(1)])

export const epochReceipt = z.strictObject({
  epoch: epochIdSchema,
  /** The highest sequence number committed; 0 for none. */
  upTo: z.int().min(0),
  /** What below `upTo` is not committed, ascending. */
  missing: z
    .array(range)
    .max(LIMITS.receiptMissingRanges)
    .refine(isAscending, 'ranges must ascend without touching'),
  /** Contained in the oldest backup HQ would restore from; absent where HQ keeps no such mark. */
  safe: z.int().min(0).exactOptional(),
})

/** A list out of order could be read as confirming what it calls missing: records would be lost. */
function isAscending(ranges: readonly (readonly [number, number])[]): boolean {
  return ranges.every(([first, last], index) => {
    const before = ranges[index - 1]
    return first <= last && (before === undefined || first > before[1] + 1)
  })
}

const receiptSchema = z.strictObject({
  v: z.literal(1),
  ledger: ledgerIdSchema,
  epochs: z.array(epochReceipt).max(10_000),
  /** Batches that the store may have in flight. */
  credit: z.int().min(2).max(1000),
})

/** HQ's word that records stand committed in its ledger. The last one wins, and may go down. */
export type Receipt = z.infer<typeof receiptSchema>
export type EpochReceipt = z.infer<typeof epochReceipt>

/**
 * Confirms of an epoch what the set holds. It ends before the first gap too many: what is beyond
 * counts as unconfirmed until earlier gaps are filled.
 */
export function makeEpochReceipt(epoch: EpochId, confirmed: RangeSet): EpochReceipt {
  const all = missingRanges(confirmed, [1, confirmed.at(-1)?.[1] ?? 0])
  const beyond = all[LIMITS.receiptMissingRanges]
  const upTo = beyond === undefined ? (confirmed.at(-1)?.[1] ?? 0) : beyond[0] - 1
  const named = all.slice(0, LIMITS.receiptMissingRanges)
  return { epoch, upTo, missing: named.map(([first, last]) => [first, last]) }
}

export function encodeReceipt(receipt: Receipt): string {
  return JSON.stringify(receipt)
}

export function decodeReceipt(payload: Uint8Array): Result<Receipt, string> {
  return decodeJson(receiptSchema, payload)
}
