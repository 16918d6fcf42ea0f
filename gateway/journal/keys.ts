/**
 * The keys of the journal's database, in the order they stand in it:
 *
 *     C <hash of (source, id)> [<digest>]   dedupe memory (core/claims.ts)
 *     E <ordinal>                           what is known of an epoch
 *     F                                     version of this layout
 *     G <source> 0 <index>                  a part of a message that is not whole yet; of a source
 *                                           `command/<id>`: what is remembered of a command
 *     L <source>                            digest of the source's newest event
 *     N <type>                              the newest record of a type that the store signs
 *     R <ordinal> <seq>                     a record
 *     T <ordinal> <seq>                     a record whose body may be evicted
 *
 * Numbers are big-endian, so that LevelDB's byte order is the order of the records.
 */
import { type EpochId, epochOrdinal } from '../core/ids.js'

/** A record's place; the ordinal alone tells the epochs of one journal apart. */
export interface Place {
  readonly epoch: EpochId
  readonly seq: number
}

export function isSamePlace(one: Place | undefined, other: Place | undefined): boolean {
  return one !== undefined && one.epoch === other?.epoch && one.seq === other.seq
}

/** A place as a key says it: by the epoch's ordinal alone. */
export interface Slot {
  readonly ordinal: number
  readonly seq: number
}

const ORDINAL_BYTES = 4
const SEQ_BYTES = 6
/** The largest ordinal that an epoch id has. */
export const LAST_ORDINAL = 999_999_999
/** The largest number that a key holds. */
export const LAST_SEQ = 2 ** (SEQ_BYTES * 8) - 1

export const FORMAT_KEY: Uint8Array = Buffer.from('F')
/** Bounds of each kind that is walked or compacted as a whole. */
export const CLAIM_KEYS = { gte: Buffer.from('C'), lt: Buffer.from('D') }
export const EPOCH_KEYS = { gte: Buffer.from('E'), lt: Buffer.from('F') }
export const RECORD_KEYS = { gte: Buffer.from('R'), lt: Buffer.from('S') }
export const EVICTABLE_KEYS = { gte: Buffer.from('T'), lt: Buffer.from('U') }

export function claimKey(identityHash: Uint8Array): Uint8Array {
  return Buffer.concat([CLAIM_KEYS.gte, identityHash])
}

export function epochKey(epoch: EpochId): Uint8Array {
  return Buffer.concat([EPOCH_KEYS.gte, ordinalBytes(epoch)])
}

export function latestKey(source: string): Uint8Array {
  return Buffer.from(`L${source}`, 'utf8')
}

export function fragmentKey(source: string, index: number): Uint8Array {
  const place = Buffer.alloc(4)
  place.writeUInt32BE(index)
  return Buffer.concat([fragmentKeys(source).gte, place])
}

/** Bounds of a source's fragments. */
export function fragmentKeys(source: string): { readonly gte: Buffer; readonly lt: Buffer } {
  return {
    gte: Buffer.from(`G${source}\u0000`, 'utf8'),
    lt: Buffer.from(`G${source}\u0001`, 'utf8'),
  }
}

/** Bounds of all whose source begins so. */
export function fragmentKeysUnder(prefix: string): { readonly gte: Buffer; readonly lt: Buffer } {
  return { gte: Buffer.from(`G${prefix}`, 'utf8'), lt: Buffer.from(`G${prefix}\u007f`, 'utf8') }
}

/** The source of a fragment's key. */
export function sourceOfFragmentKey(key: Uint8Array): string {
  return Buffer.from(key.subarray(1, key.indexOf(0))).toString('utf8')
}

export function newestKey(type: string): Uint8Array {
  return Buffer.from(`N${type}`, 'utf8')
}

export function recordKey(place: Place): Uint8Array {
  return Buffer.concat([RECORD_KEYS.gte, placeBytes(place)])
}

export function evictableKey(place: Place): Uint8Array {
  return Buffer.concat([EVICTABLE_KEYS.gte, placeBytes(place)])
}

/** The key of the record that an evictable key stands for. */
export function recordKeyOfEvictable(key: Uint8Array): Uint8Array {
  return Buffer.concat([RECORD_KEYS.gte, key.subarray(EVICTABLE_KEYS.gte.length)])
}

export function slotKey({ ordinal, seq }: Slot): Uint8Array {
  return Buffer.concat([RECORD_KEYS.gte, slotBytes({ ordinal, seq })])
}

export function slotOfRecordKey(key: Uint8Array): Slot {
  return { ordinal: Buffer.from(key).readUInt32BE(1), seq: seqOfRecordKey(key) }
}

/** The inverse of `recordKey` where the epoch is known. */
export function seqOfRecordKey(key: Uint8Array): number {
  return Buffer.from(key).readUIntBE(1 + ORDINAL_BYTES, SEQ_BYTES)
}

/** The ordinal of the epoch that a record's or an epoch's key is of. */
export function ordinalOfKey(key: Uint8Array): number {
  return Buffer.from(key).readUInt32BE(1)
}

/** How the dedupe memory names the record that holds a claim. */
export function placeBytes({ epoch, seq }: Place): Uint8Array {
  return slotBytes({ ordinal: epochOrdinal(epoch), seq })
}

function slotBytes({ ordinal, seq }: Slot): Uint8Array {
  const bytes = Buffer.alloc(ORDINAL_BYTES + SEQ_BYTES)
  bytes.writeUInt32BE(ordinal, 0)
  bytes.writeUIntBE(seq, ORDINAL_BYTES, SEQ_BYTES)
  return bytes
}

/** The inverse of `placeBytes`, where its epoch is among these. */
export function placeOfBytes(
  bytes: Uint8Array,
  epochs: readonly { readonly epoch: EpochId }[],
): Place | undefined {
  if (bytes.length !== ORDINAL_BYTES + SEQ_BYTES) return undefined
  const place = Buffer.from(bytes)
  const ordinal = place.readUInt32BE(0)
  const seq = place.readUIntBE(ORDINAL_BYTES, SEQ_BYTES)
  const state = epochs.find(({ epoch }) => epochOrdinal(epoch) === ordinal)
  return state && { epoch: state.epoch, seq }
}

function ordinalBytes(epoch: EpochId): Uint8Array {
  const ordinal = Buffer.alloc(ORDINAL_BYTES)
  ordinal.writeUInt32BE(epochOrdinal(epoch))
  return ordinal
}
