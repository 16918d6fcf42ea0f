import { LIMITS } from '../core/limits.js'
import { missingRanges, type RangeSet } from '../core/range-set.js'
import type { ClockState } from '../event/event.js'
import type { EpochState } from './epoch-state.js'

const RETENTION_MS = LIMITS.retentionDays * 24 * 60 * 60 * 1000

/** Records of the epoch that are kept and that no receipt covers. */
export function pendingRanges(state: EpochState): RangeSet {
  const { first, last, receipt } = state
  const covered = receipt === undefined ? [] : missingRanges(receipt.missing, [1, receipt.upTo])
  return missingRanges(covered, [first, last])
}

/**
 * Up to where the epoch's records may go as far as HQ is concerned: it has them all, and would
 * still have them after restoring its backup where it says how far that reaches.
 */
export function confirmedUpTo(state: EpochState): number {
  const firstPending = pendingRanges(state)[0]?.[0] ?? state.last + 1
  return Math.min(firstPending - 1, state.receipt?.safe ?? state.last)
}

/**
 * Whether a confirmed record has been kept long enough. Where HQ gives no `safe` mark, time stands
 * in for it; a clock that nobody set measures no time.
 */
export function isKeptLongEnough(options: {
  readonly state: EpochState
  readonly appendedMs: number
  readonly now: { readonly wallMs: number; readonly clock: ClockState }
}): boolean {
  const { state, appendedMs, now } = options
  if (state.receipt?.safe !== undefined) return true
  return now.clock === 'synced' && now.wallMs - appendedMs > RETENTION_MS
}
