import type { Database } from '../core/database.js'
import type { EpochState } from './epoch-state.js'
import { recordAt, type StoredRecord } from './stored-record.js'

/**
 * Wall time, in milliseconds since 1970, by which a record of an unsure clock had certainly been
 * appended: that of the next record whose clock was sure. A computer that wakes up in 1970 must not
 * make its records look old. Infinity where no later clock was sure.
 */
export async function appendedBy(options: {
  readonly database: Database
  readonly stored: StoredRecord
  /** That of the record and all later ones. */
  readonly epochs: readonly EpochState[]
}): Promise<number> {
  const { database, stored, epochs } = options
  for (const [index, state] of epochs.entries()) {
    const first = index === 0 ? stored.record.header.seq : state.first
    const sure = await firstSure({ database, state, first })
    if (sure !== undefined) return sure.wallMs
  }
  return Number.POSITIVE_INFINITY
}

/** By bisection: once set, a clock stays set until the next boot. */
async function firstSure(options: {
  readonly database: Database
  readonly state: EpochState
  readonly first: number
}): Promise<StoredRecord | undefined> {
  const { database, state } = options
  let low = options.first
  let high = state.last
  let found: StoredRecord | undefined
  // The newest comes first: where it is not sure, none is.
  for (let seq = high; low <= high; seq = Math.floor((low + high) / 2)) {
    const stored = await recordAt(database, { epoch: state.epoch, seq })
    if (stored !== undefined && isSure(stored)) {
      found = stored
      high = seq - 1
    } else if (found === undefined) return undefined
    else low = seq + 1
  }
  return found
}

function isSure({ record }: StoredRecord): boolean {
  return record.header.clock === 'synced'
}
