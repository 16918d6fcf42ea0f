import { LIMITS } from '../core/limits.js'
import { missingRanges, type RangeSet } from '../core/range-set.js'
import type { ClockState } from '../event/event.js'
import type { EpochState } from './epoch-state.js'
import { type Gap, withLost } from './gap.js'
import type { Place } from './keys.js'

const RETENTION_MS = LIMITS.retentionDays * 24 * 60 * 60 * 1000

/** Records of the epoch that are kept and that no receipt covers; what is lost waits for none. */
export function pendingRanges(state: EpochState): RangeSet {
  return missingRanges(withLost(coveredRanges(state), state), [state.first, state.last])
}

/**
 * Up to where the epoch's records may go as far as HQ is concerned: it has them all, and would
 * still have them after restoring its backup where it says how far that reaches. A gap is gone past
 * once HQ knows of it: `isSettled`.
 */
export function confirmedUpTo(state: EpochState, isSettled: (gap: Gap) => boolean): number {
  const { first, last, receipt, gaps = [] } = state
  const firstPending = pendingRanges(state)[0]?.[0] ?? last + 1
  const open = gaps.find(gap => gap.last >= first && !isSettled(gap))
  // There is nothing in a gap that a restored ledger could ask for.
  const safe = gaps.reduce(
    (reached, gap) => (gap.first <= reached + 1 ? Math.max(reached, gap.last) : reached),
    receipt?.safe ?? last,
  )
  return Math.min(firstPending - 1, open === undefined ? last : open.first - 1, safe)
}

/** Whether HQ knows of a gap: it has what was lost, or has been told that it is. */
export function isSettled(states: readonly EpochState[], owner: EpochState, gap: Gap): boolean {
  const [missing] = missingRanges(coveredRanges(owner), [gap.first, gap.last])
  return missing === undefined || (gap.named !== undefined && isConfirmed(states, gap.named))
}

function isConfirmed(states: readonly EpochState[], { epoch, seq }: Place): boolean {
  const state = states.find(known => known.epoch === epoch)
  // What is not there any more was confirmed before it went.
  if (state === undefined || seq < state.first) return true
  return missingRanges(coveredRanges(state), [seq, seq]).length === 0
}

function coveredRanges({ receipt }: EpochState): RangeSet {
  return receipt === undefined ? [] : missingRanges(receipt.missing, [1, receipt.upTo])
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
