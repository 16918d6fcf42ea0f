/**
 * The keys of the embedded ledger's database, in the order they stand in it:
 *
 *     B                                               backup points
 *     C <store> 0 <hash of (source, id)> [<digest>]   dedupe memory (core/claims.ts)
 *     D <position>                                    a row about a document
 *     F                                               version of this layout
 *     G                                               generation
 *     H <store>                                       what is known of a store
 *     I                                               position up to which rows stand in D, J and V
 *     J <store> 0 <position>                          a row that is a statement
 *     M <position>                                    rows up to it were fanned out together
 *     O                                               position up to which rows were fanned out
 *     P <store> 0 <epoch> <seq> <hash>                which record stands at a place: its row
 *     Q <position>                                    a row that the broker refused
 *     S <store> 0 <epoch>                             chain state of an epoch
 *     U <position>                                    a row that the broker took after all
 *     V <position>                                    a row about the version that runs
 *     W <position>                                    a row
 *
 * Numbers are big-endian and epochs begin with their ordinal, so that LevelDB's byte order is the
 * order of commits, and of a store's records.
 */
import { type EpochId, epochOrdinal, type StoreId, storeId } from '../core/ids.js'
import type { Digest } from '../wire/record.js'

const NUMBER_BYTES = 6
/** The largest number that a key can hold. */
export const LAST_NUMBER = 2 ** (NUMBER_BYTES * 8) - 1
const DIGEST_BYTES = 32

export const BACKUPS_KEY: Uint8Array = Buffer.from('B')
export const FORMAT_KEY: Uint8Array = Buffer.from('F')
export const GENERATION_KEY: Uint8Array = Buffer.from('G')
export const INDEXED_KEY: Uint8Array = Buffer.from('I')
export const FANNED_OUT_KEY: Uint8Array = Buffer.from('O')
/** Above every row's key, and every key of the shelf. */
export const ROWS_END: Uint8Array = Buffer.from('X')
export const SHELF_END: Uint8Array = Buffer.from('R')
export const DOCUMENTS_END: Uint8Array = Buffer.from('E')
export const VERSIONS_END: Uint8Array = Buffer.from('W')
export const MARKS_END: Uint8Array = Buffer.from('N')

export function claimKey(store: StoreId, identityHash: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`C${store}\0`), identityHash])
}

export function placeKey(options: {
  readonly store: StoreId
  readonly epoch: EpochId
  readonly seq: number
  /** Two records may claim one place (a fork): then both stand there. */
  readonly hash: Digest
}): Uint8Array {
  const { store, epoch, seq, hash } = options
  const parts = [Buffer.from(`P${store}\0`), epochBytes(epoch), numberBytes(seq)]
  return Buffer.concat([...parts, Buffer.from(hash, 'hex')])
}

export function identityOfClaimKey(key: Uint8Array): Uint8Array {
  return key.subarray(-DIGEST_BYTES)
}

/** What stands at places `first` to `last`: the keys' bounds. */
export function placeKeys(options: {
  readonly store: StoreId
  readonly epoch: EpochId
  readonly first: number
  readonly last: number
}): { readonly gte: Uint8Array; readonly lt: Uint8Array } {
  const { store, epoch, first, last } = options
  const bound = (seq: number): Uint8Array => placeKey({ store, epoch, seq, hash: '' })
  return { gte: bound(first), lt: bound(last + 1) }
}

export function placeOfKey(key: Uint8Array): { readonly seq: number; readonly hash: Digest } {
  const end = Buffer.from(key.subarray(-(NUMBER_BYTES + DIGEST_BYTES)))
  return {
    seq: end.readUIntBE(0, NUMBER_BYTES),
    hash: end.subarray(NUMBER_BYTES).toString('hex'),
  }
}

export function stateKey(store: StoreId, epoch: EpochId): Uint8Array {
  return Buffer.concat([Buffer.from(`S${store}\0`), epochBytes(epoch)])
}

/** Every store that anything is known of: the keys' bounds. */
export const STORE_KEYS = { gt: Buffer.from('H'), lt: Buffer.from('I') } as const

/** @throws Error where the key is none of a store */
export function storeOfKey(key: Uint8Array): StoreId {
  return storeId(Buffer.from(key).subarray(1).toString('utf8'))
}

/** All epochs of a store, oldest first. */
export function stateKeys(store: StoreId): { readonly gte: Uint8Array; readonly lt: Uint8Array } {
  return { gte: Buffer.from(`S${store}\0`), lt: Buffer.from(`S${store}\u0001`) }
}

export function statementKey(store: StoreId, position: number): Uint8Array {
  return Buffer.concat([Buffer.from(`J${store}\0`), numberBytes(position)])
}

/** Statements of a store behind a position: the keys' bounds. */
export function statementKeys(
  store: StoreId,
  after: number,
): { readonly gt: Uint8Array; readonly lt: Uint8Array } {
  return { gt: statementKey(store, after), lt: Buffer.from(`J${store}\u0001`) }
}

export function positionOfStatementKey(key: Uint8Array): number {
  return readNumber(key.subarray(-NUMBER_BYTES))
}

export function rowKey(position: number): Uint8Array {
  return Buffer.concat([Buffer.from('W'), numberBytes(position)])
}

export function shelfKey(position: number): Uint8Array {
  return Buffer.concat([Buffer.from('Q'), numberBytes(position)])
}

export function unshelvedKey(position: number): Uint8Array {
  return Buffer.concat([Buffer.from('U'), numberBytes(position)])
}

export function documentKey(position: number): Uint8Array {
  return Buffer.concat([Buffer.from('D'), numberBytes(position)])
}

export function versionKey(position: number): Uint8Array {
  return Buffer.concat([Buffer.from('V'), numberBytes(position)])
}

export function markKey(position: number): Uint8Array {
  return Buffer.concat([Buffer.from('M'), numberBytes(position)])
}

/** The position in a key of a letter and a position. */
export function positionOfKey(key: Uint8Array): number {
  return readNumber(key.subarray(1))
}

export function storeKey(store: StoreId): Uint8Array {
  return Buffer.from(`H${store}`)
}

export function numberBytes(value: number): Uint8Array {
  const bytes = Buffer.alloc(NUMBER_BYTES)
  bytes.writeUIntBE(value, 0, NUMBER_BYTES)
  return bytes
}

/** @throws RangeError where the bytes are too few. */
export function readNumber(bytes: Uint8Array): number {
  return Buffer.from(bytes).readUIntBE(0, NUMBER_BYTES)
}

function epochBytes(epoch: EpochId): Uint8Array {
  const ordinal = Buffer.alloc(4)
  ordinal.writeUInt32BE(epochOrdinal(epoch))
  return Buffer.concat([ordinal, Buffer.from(epoch.slice(epoch.indexOf('-') + 1), 'hex')])
}
