import type { Database } from '../core/database.js'
import type { Digest, JournalRecord } from '../wire/record.js'
import type { EpochState } from './epoch-state.js'
import { gapAt } from './gap.js'
import type { JournalSlice } from './journal.js'
import { DamagedRecordError, verifiedRecords } from './stored-record.js'

/**
 * Records `first` to `last`, which lie within the epoch's extent, fewer where they exceed
 * `maxBytes` or one is damaged, but at least one.
 * @throws DamagedRecordError where `first` itself is damaged.
 */
export async function readSlice(range: {
  readonly database: Database
  readonly state: EpochState
  readonly first: number
  readonly last: number
  readonly maxBytes: number
}): Promise<JournalSlice> {
  let previous: Digest = range.state.previous
  let bytes = 0
  const records: JournalRecord[] = []
  const { epoch } = range.state
  if (gapAt(range.state, range.first) !== undefined)
    throw new DamagedRecordError({ epoch, seq: range.first }, 'is lost')
  const gap = range.state.gaps?.find(({ first }) => first > range.first)
  const last = Math.min(range.last, gap === undefined ? range.last : gap.first - 1)
  try {
    for await (const stored of verifiedRecords({ ...range, last })) {
      bytes += stored.bytes
      if (records.length > 0 && bytes > range.maxBytes) break
      if (records.length === 0) previous = stored.previous
      records.push(stored.record)
    }
  } catch (thrown) {
    if (!(thrown instanceof DamagedRecordError) || records.length === 0) throw thrown
  }
  return { previous, records }
}
