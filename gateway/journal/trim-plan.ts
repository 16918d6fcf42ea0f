import { releaseClaims } from '../core/claims.js'
import type { Database, Operation } from '../core/database.js'
import type { EpochId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import type { ClockState } from '../event/event.js'
import type { JournalRecord } from '../wire/record.js'
import { appendedBy } from './append-time.js'
import { type EpochState, forgetEpoch, storeEpoch } from './epoch-state.js'
import { gapAt, keptRanges } from './gap.js'
import { evictableKey, recordKey } from './keys.js'
import { claimsOf } from './record-claims.js'
import { confirmedUpTo, isKeptLongEnough, isSettled } from './retention.js'
import { statedUpTo } from './signed-memory.js'
import { type StoredRecord, verifiedRecords } from './stored-record.js'

/** One slice of the oldest records, on its way out. */
export interface TrimPlan {
  readonly epoch: EpochId
  readonly first: number
  /** The first that stays, and the chain hash of the last that goes. */
  readonly next: Pick<EpochState, 'first' | 'previous'>
  /** Nothing of a closed epoch is left: it is no longer known. */
  readonly forgotten: boolean
  readonly operations: readonly Operation[]
}

/**
 * What may go now, at most `LIMITS.trimSliceRecords` of one epoch, or nothing. Where the disk asks
 * for it (`early`), time no longer stands in for a `safe` mark that HQ does not give, and no record
 * waits for its statement.
 * @throws TillbridgeError TB_JOURNAL_UNREADABLE where a record on its way out does not verify.
 */
export async function planTrim(options: {
  readonly database: Database
  /** Oldest first; the last one is the current. */
  readonly epochs: readonly EpochState[]
  readonly now: { readonly wallMs: number; readonly clock: ClockState }
  readonly early: boolean
  readonly isStated: boolean
}): Promise<TrimPlan | undefined> {
  const { database, epochs, now, early, isStated } = options
  for (const [index, state] of epochs.entries()) {
    const confirmed = confirmedUpTo(state, gap => isSettled(epochs, state, gap))
    // A full disk could not take the statement that they wait for: the shop has to sell.
    const stated = early ? confirmed : await statedUpTo({ database, state, isStated })
    const upTo = Math.min(confirmed, stated)
    if (upTo < state.first) continue
    const passed = passGap(epochs, state)
    if (passed !== undefined) return passed
    const whole = keptRanges(state)[0]?.[1] ?? state.last
    const last = Math.min(upTo, whole, state.first + LIMITS.trimSliceRecords - 1)
    const going: StoredRecord[] = []
    const later = epochs.slice(index)
    const needsTime = !early && state.receipt?.safe === undefined
    // That of an unsure record holds for all up to the next sure one: it is searched once.
    let unsureMs: number | undefined
    for await (const stored of verifiedRecords({ database, state, first: state.first, last })) {
      const isSure = stored.record.header.clock === 'synced'
      if (isSure || !needsTime) unsureMs = undefined
      else unsureMs ??= await appendedBy({ database, stored, epochs: later })
      const appendedMs = unsureMs ?? stored.wallMs
      if (!early && !isKeptLongEnough({ state, appendedMs, now })) break
      going.push(stored)
    }
    const newest = going.at(-1)
    // What is too young here is younger still in later epochs.
    if (newest === undefined) return undefined
    const { seq } = newest.record.header
    const next = { first: seq + 1, previous: newest.record.hash }
    const { forgotten, operation } = leaveAt(epochs, state, next)
    const claims = await releaseClaims(
      database,
      going.flatMap(({ record }) => claimsOf(record)),
    )
    const records = going.flatMap(({ record }) => removalOf(record))
    const operations = [operation, ...records, ...claims]
    return { epoch: state.epoch, first: state.first, next, forgotten, operations }
  }
  return undefined
}

/** A slice of a settled gap at the front; what is damaged may still stand under its keys. */
function passGap(epochs: readonly EpochState[], state: EpochState): TrimPlan | undefined {
  const { epoch, first } = state
  const gap = gapAt(state, first)
  if (gap === undefined) return undefined
  const end = Math.min(gap.last, first + LIMITS.trimSliceRecords - 1)
  const previous = (end === gap.last ? gap.head : undefined) ?? state.previous
  const next = { first: end + 1, previous }
  const { forgotten, operation } = leaveAt(epochs, state, next)
  const places = Array.from({ length: end - first + 1 }, (_, at) => ({ epoch, seq: first + at }))
  const keys = places.flatMap(place => [recordKey(place), evictableKey(place)])
  const removals = keys.map((key): Operation => ({ type: 'del', key }))
  return { epoch, first, next, forgotten, operations: [operation, ...removals] }
}

function leaveAt(epochs: readonly EpochState[], state: EpochState, next: TrimPlan['next']) {
  const forgotten = next.first > state.last && state !== epochs.at(-1)
  const operation = forgotten ? forgetEpoch(state.epoch) : storeEpoch({ ...state, ...next })
  return { forgotten, operation }
}

function removalOf({ header, body }: JournalRecord): readonly Operation[] {
  const record = { type: 'del', key: recordKey(header) } as const
  const isEvictable = header.class === 'telemetry' && body.type === 'event'
  return isEvictable ? [record, { type: 'del', key: evictableKey(header) }] : [record]
}
