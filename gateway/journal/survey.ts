import type { Database } from '../core/database.js'
import { type EpochId, epochId, epochOrdinal } from '../core/ids.js'
import type { Digest } from '../wire/record.js'
import { unlessDamaged } from './failure.js'
import { ordinalOfKey, RECORD_KEYS, recordKey, seqOfRecordKey } from './keys.js'
import { hashOf, parseStored, type StoredRecord } from './stored-record.js'

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
  for (let from = range.first; from <= range.last; from += WINDOW) {
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
  }
}

/** The lowest and the highest place of an epoch, as far as the database can be read there. */
export async function placesOf(
  database: Database,
  ordinal: number,
): Promise<{ readonly first: number; readonly last: number } | undefined> {
  const epoch = someEpoch(ordinal)
  const range = {
    gte: recordKey({ epoch, seq: 0 }),
    lte: recordKey({ epoch, seq: 2 ** 48 - 1 }),
    limit: 1,
  }
  const first = await firstKey(database, range)
  const last = await firstKey(database, { ...range, reverse: true })
  if (first === undefined && last === undefined) return undefined
  const known = first ?? last ?? Buffer.from('')
  return { first: seqOfRecordKey(known), last: seqOfRecordKey(last ?? known) }
}

/** Bounds of the ordinals of all records, as far as the database can be read there. */
export async function recordOrdinals(database: Database): Promise<readonly number[]> {
  const keys = [
    await firstKey(database, { ...RECORD_KEYS, limit: 1 }),
    await firstKey(database, { ...RECORD_KEYS, limit: 1, reverse: true }),
  ]
  return keys.flatMap(key => (key === undefined ? [] : [ordinalOfKey(key)]))
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

async function firstKey(
  database: Database,
  range: Parameters<Database['iterator']>[0],
): Promise<Uint8Array | undefined> {
  const [entry] = await readableEntries(database, range)
  return entry?.[0]
}
