import type { Database, Operation } from '../core/database.js'
import { TillbridgeError } from '../core/errors.js'
import type { EpochId } from '../core/ids.js'
import {
  bodyDigest,
  chainHash,
  type Digest,
  decodeRecordLine,
  encodeRecordLine,
  type JournalRecord,
} from '../wire/record.js'
import type { EpochState } from './epoch-state.js'
import { isDamage, readFailure, unlessDamaged } from './failure.js'
import { hashBefore } from './gap.js'
import { evictableKey, type Place, recordKey, seqOfRecordKey } from './keys.js'

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

/**
 * A value is: a mark, wall clock (6 bytes), chain hash of the record before (32), its own (32), the
 * record's line as it goes to HQ. With the hash before, a record proves itself whatever became of
 * its neighbours. Format 1 had neither that nor the mark: up to the year 6429 the first byte of its
 * clock is smaller.
 */
const MARK = 0x82
const WALL_BYTES = 6
const HASH_BYTES = 32

export function storeRecord({ record, previous, wallMs }: Omit<StoredRecord, 'bytes'>): Operation {
  const wall = Buffer.alloc(WALL_BYTES)
  wall.writeUIntBE(Math.max(0, Math.floor(wallMs)), 0, WALL_BYTES)
  const hashes = Buffer.from(previous + record.hash, 'hex')
  const value = Buffer.concat([Buffer.of(MARK), wall, hashes, encodeRecordLine(record)])
  return { type: 'put', key: recordKey(record.header), value }
}

/** Notes that a record's body may be evicted. */
export function markEvictable(place: Place): Operation {
  return { type: 'put', key: evictableKey(place), value: new Uint8Array(0) }
}

/** TB_JOURNAL_UNREADABLE of one record: its bytes flipped, or it vanished from the disk. */
export class DamagedRecordError extends TillbridgeError {
  readonly place: Place

  constructor(place: Place, reason = 'is damaged or missing') {
    super('TB_JOURNAL_UNREADABLE', `${nameOf(place)} ${reason}`)
    this.place = place
  }
}

/**
 * A stored record without its body: header, digest and place in the chain stay. Nothing where there
 * is no event to be given up. Damage stays damage: the digest is that of the bytes as they are.
 */
export function evictedValue(
  value: Uint8Array,
):
  | { readonly record: Pick<JournalRecord, 'header' | 'body'>; readonly value: Uint8Array }
  | undefined {
  const line = unpack(value)?.line ?? new Uint8Array(0)
  const decoded = decodeRecordLine(line)
  if (!decoded.ok || decoded.value.body.type === 'evicted') return undefined
  const { header, body } = decoded.value
  const short = encodeRecordLine({ header, body: { type: 'evicted', digest: bodyDigest(body) } })
  const kept = value.subarray(0, value.length - line.length)
  return { record: decoded.value, value: Buffer.concat([kept, short]) }
}

/**
 * Records `first` to `last`, each verified by its own hash and against the one before it: bytes
 * that flipped on the disk, and records that vanished from it, are found here.
 * The caller keeps the range within the epoch's extent.
 * @throws DamagedRecordError naming the position.
 */
export async function* verifiedRecords(options: {
  readonly database: Database
  readonly state: EpochState
  readonly first: number
  readonly last: number
}): AsyncGenerator<StoredRecord, void, undefined> {
  const { database, state, first, last } = options
  const { epoch } = state
  let linked = hashBefore(state, first)
  // A record of format 1 is verified by the one before it.
  let before: Digest | undefined
  let expected = linked === undefined ? first - 1 : first
  const range = { gte: recordKey({ epoch, seq: expected }), lte: recordKey({ epoch, seq: last }) }
  let failure: Error | undefined
  try {
    for await (const [key, value] of database.iterator(range)) {
      const seq = seqOfRecordKey(key)
      if (expected < first) expected = Math.min(seq, first)
      if (seq !== expected) break
      if (seq < first) {
        before = hashOf(value)
      } else {
        const stored = parseStored(value, { linked, before })
        if (stored === undefined || !standsAt(stored, { epoch, seq })) break
        linked = stored.record.hash
        yield stored
      }
      expected += 1
    }
  } catch (thrown) {
    failure = readFailure(thrown, nameOf({ epoch, seq: Math.max(first, expected) }))
    if (!isDamage(failure)) throw failure
  }
  // An iterator fetches ahead: a block that it cannot read fails the sound records before it, too.
  for (let seq = Math.max(first, expected); seq <= last; seq += 1) {
    const stored = await recordAt(database, { epoch, seq })
    if (stored === undefined || (linked ?? stored.previous) !== stored.previous)
      throw new DamagedRecordError({ epoch, seq }, failure && `cannot be read: ${failure.message}`)
    linked = stored.record.hash
    yield stored
  }
}

/** The record at a place, verified on its own, or nothing where it is damaged or missing. */
export async function recordAt(
  database: Database,
  place: Place,
): Promise<StoredRecord | undefined> {
  const value = await unlessDamaged(database.get(recordKey(place)))
  if (value === undefined) return undefined
  const isAlone = unpack(value)?.previous !== undefined
  const key = recordKey({ ...place, seq: place.seq - 1 })
  const one = isAlone ? undefined : await unlessDamaged(database.get(key))
  const before = one && hashOf(one)
  const stored = parseStored(value, { linked: undefined, before })
  return stored !== undefined && standsAt(stored, place) ? stored : undefined
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

/**
 * The record that a value holds, if it is sound; wherever that stands. `linked`: the verified hash
 * of the record before it; `before`: what that one says of its own, as far as it is known.
 */
export function parseStored(
  value: Uint8Array,
  known: {
    readonly linked: Digest | undefined
    readonly before: Digest | undefined
  },
): StoredRecord | undefined {
  const unpacked = unpack(value)
  const previous = unpacked?.previous ?? known.linked ?? known.before
  if (unpacked === undefined || previous === undefined) return undefined
  if (known.linked !== undefined && known.linked !== previous) return undefined
  const { wallMs, hash, line } = unpacked
  const decoded = decodeRecordLine(line)
  if (!decoded.ok || chainHash(previous, decoded.value) !== hash) return undefined
  return { record: { ...decoded.value, hash }, previous, wallMs, bytes: line.length }
}

/** What a value says, none of it verified; `previous` is missing in format 1. */
export interface UnverifiedRecord {
  readonly record: JournalRecord
  readonly previous: Digest | undefined
  readonly wallMs: number
}

/** Nothing where the value holds no record at all. */
export function readUnverified(value: Uint8Array): UnverifiedRecord | undefined {
  const unpacked = unpack(value)
  const decoded = unpacked && decodeRecordLine(unpacked.line)
  if (unpacked === undefined || !decoded?.ok) return undefined
  const { wallMs, previous, hash } = unpacked
  return { record: { ...decoded.value, hash }, previous, wallMs }
}

/** What a value says of its record's chain hash, sound or not. */
export function hashOf(value: Uint8Array): Digest | undefined {
  return unpack(value)?.hash
}

function standsAt({ record }: StoredRecord, { epoch, seq }: Place): boolean {
  return record.header.epoch === epoch && record.header.seq === seq
}

/** The parts of a value; `previous` is missing in format 1. */
function unpack(value: Uint8Array) {
  const isMarked = value[0] === MARK
  const wallAt = isMarked ? 1 : 0
  const hashAt = wallAt + WALL_BYTES + (isMarked ? HASH_BYTES : 0)
  if (value.length < hashAt + HASH_BYTES) return undefined
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
  const previous = isMarked ? bytes.toString('hex', wallAt + WALL_BYTES, hashAt) : undefined
  return {
    wallMs: bytes.readUIntBE(wallAt, WALL_BYTES),
    previous,
    hash: bytes.toString('hex', hashAt, hashAt + HASH_BYTES),
    line: bytes.subarray(hashAt + HASH_BYTES),
  }
}

function nameOf({ epoch, seq }: Place): string {
  return `record ${seq} of epoch ${epoch}`
}
