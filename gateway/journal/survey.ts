import type { Database } from '../core/database.js'
import { type EpochId, epochId, epochOrdinal } from '../core/ids.js'
import type { Digest } from '../wire/record.js'
import { unlessDamaged } from './failure.js'
import {
  LAST_ORDINAL,
  LAST_SEQ,
  ordinalOfKey,
  RECORD_KEYS,
  recordKey,
  seqOfRecordKey,
  slotKey,
} from './keys.js'
import { hashOf, parseStored, readUnverified, type StoredRecord } from './stored-record.js'

/** Places looked at together. */
const WINDOW = 500

/**
 * The sound records among places `first` to `last`, whatever lies between them. `epoch` is known by
 * its ordinal alone where nothing says more: then the first sound record does.
 */
export async function* soundRecords(
  database: Database,
  range: {
    readonly ordinal: number
    readonly epoch: EpochId | undefined
    readonly first: number
    readonly last: number
  },
): AsyncGenerator<StoredRecord, void, undefined> {
  let { epoch } = range
  let before: Digest | undefined
  let linked: Digest | undefined
  for (let from = range.first; from <= range.last; ) {
    const next = await nextPlace(database, { ordinal: range.ordinal, from })
    if (next > from) {
      before = undefined
      linked = undefined
      from = next
    }
    const to = Math.min(range.last, from + WINDOW - 1)
    const values = await valuesOf(database, { ordinal: range.ordinal, from, to })
    for (let seq = from; seq <= to; seq += 1) {
      const value = values.get(seq)
      const stored = value && parseStored(value, { linked, before })
      before = value && hashOf(value)
      linked = undefined
      const { header } = stored?.record ?? {}
      if (stored === undefined || header === undefined || header.seq !== seq) continue
      if (epochOrdinal(header.epoch) !== range.ordinal) continue
      epoch ??= header.epoch
      if (header.epoch !== epoch) continue
      linked = stored.record.hash
      yield stored
    }
    from = to + 1
  }
}

/**
 * The lowest and the highest place of an epoch, as far as the database can be read there. LevelDB
 * may have compacted a block with flipped bits: a key that its value contradicts may be any number.
 */
export async function placesOf(
  database: Database,
  ordinal: number,
): Promise<{ readonly first: number; readonly last: number } | undefined> {
  const range = { gte: slotKey({ ordinal, seq: 0 }), lte: slotKey({ ordinal, seq: LAST_SEQ }) }
  const lowest = await firstTrue(database, range)
  const highest = await firstTrue(database, { ...range, reverse: true })
  // One end may stand in a block that cannot be read; then the other is all that is known.
  const [first, end] = [lowest ?? highest, highest ?? lowest]
  if (first === undefined || end === undefined) return undefined
  let last = end
  // What follows without a break was there as well, whatever is left of it.
  const behind = { ...range, gte: slotKey({ ordinal, seq: last }) }
  for (const [key] of await readableEntries(database, behind))
    if (seqOfRecordKey(key) === last + 1) last += 1
  return { first, last }
}

/** The first of these records whose value says what its key says. */
async function firstTrue(
  database: Database,
  range: Parameters<Database['iterator']>[0],
): Promise<number | undefined> {
  const walk = async (): Promise<number | undefined> => {
    for await (const [key, value] of database.iterator(range)) {
      const seq = readUnverified(value)?.record.header.seq
      if (seq === seqOfRecordKey(key)) return seq
    }
    return undefined
  }
  return unlessDamaged(walk())
}

/** The ordinals of all records, as far as the database can be read. */
export async function recordOrdinals(database: Database): Promise<readonly number[]> {
  const ordinals: number[] = []
  for (let ordinal = 0; ordinal <= LAST_ORDINAL; ordinal += 1) {
    const range = { gte: slotKey({ ordinal, seq: 0 }), lt: RECORD_KEYS.lt, limit: 1 }
    const [entry] = await readableEntries(database, range)
    if (entry === undefined) break
    ordinal = ordinalOfKey(entry[0])
    if (isOrdinal(ordinal)) ordinals.push(ordinal)
  }
  // The newest one, too, where something before it cannot be read.
  const [newest] = await readableEntries(database, { ...RECORD_KEYS, limit: 1, reverse: true })
  const highest = newest === undefined ? 0 : ordinalOfKey(newest[0])
  return isOrdinal(highest) && !ordinals.includes(highest) ? [...ordinals, highest] : ordinals
}

/** Whether there can be an epoch of it: bits of a key may have flipped. */
export function isOrdinal(ordinal: number): boolean {
  return 0 < ordinal && ordinal <= LAST_ORDINAL
}

/** An epoch of that ordinal: keys say no more of theirs. */
export function someEpoch(ordinal: number): EpochId {
  return epochId(`${ordinal}-${'0'.repeat(32)}`)
}

/** The entries of a range, up to where it cannot be read. */
export async function readableEntries(
  database: Database,
  range: Parameters<Database['iterator']>[0],
): Promise<readonly (readonly [Uint8Array, Uint8Array])[]> {
  const entries: (readonly [Uint8Array, Uint8Array])[] = []
  const walk = async (): Promise<void> => {
    for await (const entry of database.iterator(range)) entries.push(entry)
  }
  await unlessDamaged(walk())
  return entries
}

/** In one walk; where that meets damage, one by one: a bad block takes no neighbour with it. */
async function valuesOf(
  database: Database,
  window: { readonly ordinal: number; readonly from: number; readonly to: number },
): Promise<ReadonlyMap<number, Uint8Array>> {
  const epoch = someEpoch(window.ordinal)
  const range = {
    gte: recordKey({ epoch, seq: window.from }),
    lte: recordKey({ epoch, seq: window.to }),
  }
  const values = new Map<number, Uint8Array>()
  let isWhole = false
  const walk = async (): Promise<void> => {
    for await (const [key, value] of database.iterator(range))
      values.set(seqOfRecordKey(key), value)
    isWhole = true
  }
  await unlessDamaged(walk())
  if (isWhole) return values
  for (let seq = window.from; seq <= window.to; seq += 1) {
    const value = await unlessDamaged(database.get(recordKey({ epoch, seq })))
    if (value !== undefined) values.set(seq, value)
  }
  return values
}

/** The next place of an epoch that holds anything, as far as the database can be read there. */
async function nextPlace(
  database: Database,
  { ordinal, from }: { readonly ordinal: number; readonly from: number },
): Promise<number> {
  const range = {
    gte: slotKey({ ordinal, seq: from }),
    lte: slotKey({ ordinal, seq: LAST_SEQ }),
    limit: 1,
  }
  const [entry] = await readableEntries(database, range)
  return entry === undefined ? from : seqOfRecordKey(entry[0])
}
