import type { Database, Operation } from '../core/database.js'
import { TillbridgeError } from '../core/errors.js'
import type { EpochId } from '../core/ids.js'
import {
  chainHash,
  type Digest,
  decodeRecordLine,
  encodeRecordLine,
  type JournalRecord,
} from '../wire/record.js'
import type { EpochState } from './epoch-state.js'
import { readFailure } from './failure.js'
import { recordKey, seqOfRecordKey } from './keys.js'

/** A record and what the database keeps beside it. */
export interface StoredRecord {
  readonly record: JournalRecord
  /** Chain hash of the record before it. */
  readonly previous: Digest
  /** Wall clock of the gateway when it was appended, milliseconds since 1970; not in the chain. */
  readonly wallMs: number
  /** Size of its line on the wire. */
  readonly bytes: number
}

// A value is: wall clock (6 bytes), chain hash (32), the record's line as it goes to HQ.
const WALL_BYTES = 6
const LINE_OFFSET = WALL_BYTES + 32

export function storeRecord(record: JournalRecord, wallMs: number): Operation {
  const wall = Buffer.alloc(WALL_BYTES)
  wall.writeUIntBE(Math.max(0, Math.floor(wallMs)), 0, WALL_BYTES)
  const value = Buffer.concat([wall, Buffer.from(record.hash, 'hex'), encodeRecordLine(record)])
  return { type: 'put', key: recordKey(record.header), value }
}

/**
 * Records `first` to `last`, each verified against the hash of the one before it: bytes that
 * flipped on the disk, and records that vanished from it, are found here.
 * The caller keeps the range within the epoch's extent.
 * @throws TillbridgeError TB_JOURNAL_UNREADABLE naming the position.
 */
export async function* verifiedRecords(options: {
  readonly database: Database
  readonly state: EpochState
  readonly first: number
  readonly last: number
}): AsyncGenerator<StoredRecord, void, undefined> {
  const { database, state, first, last } = options
  const { epoch } = state
  const isOldest = first === state.first
  let previous = isOldest ? state.previous : undefined
  let expected = isOldest ? first : first - 1
  const range = { gte: recordKey({ epoch, seq: expected }), lte: recordKey({ epoch, seq: last }) }
  try {
    for await (const [key, value] of database.iterator(range)) {
      if (seqOfRecordKey(key) !== expected) break
      if (previous === undefined) {
        previous = storedHash(value)
      } else {
        const stored = parseStored(value, previous)
        const { header } = stored?.record ?? {}
        if (stored === undefined || header?.epoch !== epoch || header.seq !== expected) break
        previous = stored.record.hash
        yield stored
      }
      expected += 1
    }
  } catch (thrown) {
    throw readFailure(thrown, nameOf(epoch, Math.max(first, expected)))
  }
  if (expected > last) return
  // Without the one before it the first cannot be verified, either.
  const name = nameOf(epoch, Math.max(first, expected))
  throw new TillbridgeError('TB_JOURNAL_UNREADABLE', `${name} is damaged or missing`)
}

/** The highest sequence number of an epoch in the database, or nothing where it has no record. */
export async function lastStoredSeq(
  database: Database,
  epoch: EpochId,
): Promise<number | undefined> {
  const range = {
    gte: recordKey({ epoch, seq: 0 }),
    lte: recordKey({ epoch, seq: 2 ** 48 - 1 }),
    reverse: true,
    limit: 1,
  }
  for await (const [key] of database.iterator(range)) return seqOfRecordKey(key)
  return undefined
}

function parseStored(value: Uint8Array, previous: Digest): StoredRecord | undefined {
  if (value.length < LINE_OFFSET) return undefined
  const line = value.subarray(LINE_OFFSET)
  const decoded = decodeRecordLine(line)
  if (!decoded.ok) return undefined
  const hash = storedHash(value)
  if (chainHash(previous, decoded.value) !== hash) return undefined
  const wallMs = Buffer.from(value.subarray(0, WALL_BYTES)).readUIntBE(0, WALL_BYTES)
  return { record: { ...decoded.value, hash }, previous, wallMs, bytes: line.length }
}

function storedHash(value: Uint8Array): string {
  return Buffer.from(value.subarray(WALL_BYTES, LINE_OFFSET)).toString('hex')
}

function nameOf(epoch: EpochId, seq: number): string {
  return `record ${seq} of epoch ${epoch}`
}
