import type { Database } from '../core/database.js'
import { TillbridgeError } from '../core/errors.js'
import type { Digest, JournalRecord } from '../wire/record.js'
import type { EpochState } from './epoch-state.js'
import type { JournalSlice } from './journal.js'
import { verifiedRecords } from './stored-record.js'

/**
 * Records `first` to `last`, which lie within the epoch's extent, fewer where they exceed
 * `maxBytes` or one is damaged, but at least one.
 * @throws TillbridgeError TB_JOURNAL_UNREADABLE where `first` itself is damaged.
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
  try {
    for await (const stored of verifiedRecords(range)) {
      bytes += stored.bytes
      if (records.length > 0 && bytes > range.maxBytes) break
      if (records.length === 0) previous = stored.previous
      records.push(stored.record)
    }
  } catch (thrown) {
    const isDamage = thrown instanceof TillbridgeError && thrown.code === 'TB_JOURNAL_UNREADABLE'
    if (!isDamage || records.length === 0) throw thrown
  }
  return { previous, records }
}
