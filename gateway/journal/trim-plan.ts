import { type HeldClaim, releaseClaims } from '../core/claims.js'
import type { Database, Operation } from '../core/database.js'
import type { EpochId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import type { ClockState } from '../event/event.js'
import { identityHash, identityOf } from '../event/event-identity.js'
import type { JournalRecord } from '../wire/record.js'
import { appendedBy } from './append-time.js'
import { type EpochState, forgetEpoch, storeEpoch } from './epoch-state.js'
import { claimKey, placeBytes, recordKey } from './keys.js'
import { confirmedUpTo, isKeptLongEnough } from './retention.js'
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
 * What may go now, at most `LIMITS.trimSliceRecords` of one epoch, or nothing.
 * @throws TillbridgeError TB_JOURNAL_UNREADABLE where a record on its way out does not verify.
 */
export async function planTrim(options: {
  readonly database: Database
  /** Oldest first; the last one is the current. */
  readonly epochs: readonly EpochState[]
  readonly now: { readonly wallMs: number; readonly clock: ClockState }
}): Promise<TrimPlan | undefined> {
  const { database, epochs, now } = options
  for (const [index, state] of epochs.entries()) {
    const upTo = Math.min(confirmedUpTo(state), await statedUpTo(database, state))
    if (upTo < state.first) continue
    const last = Math.min(upTo, state.first + LIMITS.trimSliceRecords - 1)
    const going: StoredRecord[] = []
    const later = epochs.slice(index)
    // That of an unsure record holds for all up to the next sure one: it is searched once.
    let unsureMs: number | undefined
    for await (const stored of verifiedRecords({ database, state, first: state.first, last })) {
      const isSure = stored.record.header.clock === 'synced'
      const needsTime = state.receipt?.safe === undefined
      if (isSure || !needsTime) unsureMs = undefined
      else unsureMs ??= await appendedBy({ database, stored, epochs: later })
      if (!isKeptLongEnough({ state, appendedMs: unsureMs ?? stored.wallMs, now })) break
      going.push(stored)
    }
    const newest = going.at(-1)
    // What is too young here is younger still in later epochs.
    if (newest === undefined) return undefined
    const { seq } = newest.record.header
    const next = { first: seq + 1, previous: newest.record.hash }
    const forgotten = seq === state.last && state !== epochs.at(-1)
    const states = forgotten ? forgetEpoch(state.epoch) : storeEpoch({ ...state, ...next })
    const claims = await releaseClaims(database, going.flatMap(claimsOf))
    const records = going.map(({ record }): Operation => {
      return { type: 'del', key: recordKey(record.header) }
    })
    const operations = [states, ...records, ...claims]
    return { epoch: state.epoch, first: state.first, next, forgotten, operations }
  }
  return undefined
}

function claimsOf({ record }: { readonly record: JournalRecord }): readonly HeldClaim[] {
  const { header, body } = record
  const identity = body.type === 'event' ? identityOf(body.bytes) : undefined
  if (!identity?.ok) return []
  const { dataDigest: digest } = identity.value
  return [{ key: claimKey(identityHash(identity.value)), digest, place: placeBytes(header) }]
}
