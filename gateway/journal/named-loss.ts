import type { Database } from '../core/database.js'
import type { EpochId } from '../core/ids.js'
import type { Digest } from '../wire/record.js'
import type { EpochState } from './epoch-state.js'
import type { Gap } from './gap.js'
import { gapNamedBy } from './gap-event.js'
import { type Place, recordKey } from './keys.js'
import { readUnverified } from './stored-record.js'

/** Records that are gone, and of which a record of the same journal says so. */
export interface NamedLoss {
  readonly epoch: EpochId
  readonly first: number
  readonly last: number
  /** Chain hash of `last`, as far as it was known. */
  readonly head: Digest | undefined
  /** Where its `journal.gap` stands. */
  readonly named: Place
  readonly cause: string
}

/** The gaps of these epochs that a `journal.gap` of this journal names, in its order. */
export async function readNamedLosses(
  database: Database,
  states: readonly EpochState[],
): Promise<readonly NamedLoss[]> {
  const losses: NamedLoss[] = []
  for (const state of states)
    for (const gap of state.gaps ?? []) {
      const loss = await readLoss(database, state, gap)
      if (loss !== undefined && loss.first <= loss.last) losses.push(loss)
    }
  return losses
}

/** What is known of an epoch only points there: the record itself has to say it. */
async function readLoss(
  database: Database,
  { epoch, first: kept }: EpochState,
  { first, last, named }: Gap,
): Promise<NamedLoss | undefined> {
  const value = named && (await database.get(recordKey(named)).catch(() => undefined))
  const record = value && readUnverified(value)?.record
  const data = record && gapNamedBy(record)
  if (named === undefined || data?.epoch !== epoch) return undefined
  if (data.first > first || data.last < last) return undefined
  const head = data.last === last ? data.head : undefined
  return { epoch, first: Math.max(first, kept), last, head, named, cause: data.cause }
}
