import { ByteReader, concatBytes, equalBytes } from '../core/bytes.js'
import { parseState } from './epoch-state.js'
import { EPOCH_KEYS, epochKey, RECORD_KEYS, recordKey } from './keys.js'
import {
  checkedLengths,
  type Entry,
  encodeBlock,
  entriesOf,
  isChecked,
  looksLikeBlock,
  MAX_TYPE,
  TRAILER_BYTES,
  varint,
} from './level-block.js'
import { readVarint } from './level-log.js'
import { parseStored } from './stored-record.js'

/**
 * LevelDB's tables (leveldb, doc/table_format.md): blocks of entries, then a filter, its place
 * (meta) and an index of the blocks; at the end a footer says where meta and index are.
 */
const FOOTER_BYTES = 48
const MAGIC = Buffer.from('57fb808b247547db', 'hex')
/** Blocks are begun anew every 4 KiB; an entry may be larger. */
const MAX_BLOCK_BYTES = 512 * 1024

const HEAD_BYTES = 12

/** Blocks in a file, each with its trailer, in the order of their keys. */
interface Block {
  readonly bytes: Uint8Array
  readonly first: Uint8Array
  readonly last: Uint8Array
}

interface Found {
  readonly sound: readonly Block[]
  /** Parts of the file, none where all is well. */
  readonly damaged: readonly Uint8Array[]
}

/**
 * A table that LevelDB can be trusted with, or nothing where this one is that already: it aborts
 * its process where keys are out of order, and takes flipped bytes for true. Blocks whose checksum
 * is right stay as they are; of the others records and states of epochs are kept that prove
 * themselves. It is empty where nothing is left.
 */
export function mendedTable(table: Uint8Array): Uint8Array | undefined {
  const indexed = byIndex(table)
  if (indexed?.damaged.length === 0) return undefined
  const { sound, damaged } = indexed ?? bySearch(table)
  const saved = new Map<string, Block>()
  for (const part of damaged)
    for (const entry of entriesOf(part).entries) {
      const { key } = entry
      const isFree = sound.every(({ first, last }) => isBefore(key, first) || isBefore(last, key))
      if (!isFree || !provesItself(entry)) continue
      const bytes = encodeBlock([entry])
      saved.set(Buffer.from(key).toString('hex'), { bytes, first: key, last: key })
    }
  const blocks = [...sound, ...saved.values()].sort((one, other) => compare(one.first, other.first))
  return blocks.length === 0 ? new Uint8Array(0) : encodeTable(blocks)
}

/** Nothing where the index itself cannot be trusted. */
function byIndex(table: Uint8Array): Found | undefined {
  const footer = footerOf(table)
  const index = footer && checkedEntries(table, footer.index)
  if (footer === undefined || index === undefined) return undefined
  const parts = index.map(({ value }) => partOf(table, value))
  const sound: Block[] = []
  const damaged: Uint8Array[] = []
  for (const part of parts) {
    const block = part && soundBlock(part, sound.at(-1)?.last)
    if (block !== undefined) sound.push(block)
    else damaged.push(part ?? new Uint8Array(0))
  }
  // LevelDB believes its filter where that says that a key is absent.
  const isFiltered = checkedEntries(table, footer.meta)?.every(({ value }) => {
    const filter = partOf(table, value)
    return filter !== undefined && isChecked(filter)
  })
  return { sound, damaged: isFiltered === true ? damaged : [...damaged, new Uint8Array(0)] }
}

/** By the checksums of the blocks alone. */
function bySearch(table: Uint8Array): Found {
  const sound: Block[] = []
  const damaged: Uint8Array[] = []
  let lost = 0
  for (let at = 0; at < table.length; ) {
    const block =
      at === lost || mayBegin(table, at) ? blockAt(table, at, sound.at(-1)?.last) : undefined
    if (block === undefined) {
      at += 1
      continue
    }
    if (at > lost) damaged.push(table.subarray(lost, at))
    sound.push(block)
    at += block.bytes.length
    lost = at
  }
  return { sound, damaged: [...damaged, table.subarray(lost)] }
}

/** Behind the trailer of another, whose first byte is the type. */
function mayBegin(table: Uint8Array, at: number): boolean {
  const isBehind = (table[at - TRAILER_BYTES] ?? 0) <= MAX_TYPE
  return isBehind && looksLikeBlock(table.subarray(at, at + HEAD_BYTES))
}

function blockAt(table: Uint8Array, at: number, before: Uint8Array | undefined): Block | undefined {
  for (const length of checkedLengths(table.subarray(at, at + MAX_BLOCK_BYTES))) {
    const block = soundBlock(table.subarray(at, at + length), before)
    if (block !== undefined) return block
  }
  return undefined
}

/** Its checksum is right, and its keys continue those before. */
function soundBlock(bytes: Uint8Array, before: Uint8Array | undefined): Block | undefined {
  if (!isChecked(bytes)) return undefined
  const { entries, isWhole } = entriesOf(bytes)
  const [first, last] = [entries[0]?.key, entries.at(-1)?.key]
  if (!isWhole || first === undefined || last === undefined) return undefined
  let previous = before
  for (const { key } of entries) {
    if (!isKey(key) || (previous !== undefined && !isBefore(previous, key))) return undefined
    previous = key
  }
  return { bytes, first, last }
}

function checkedEntries(table: Uint8Array, part: Uint8Array): readonly Entry[] | undefined {
  const bytes = partOf(table, part)
  if (bytes === undefined || !isChecked(bytes)) return undefined
  const { entries, isWhole } = entriesOf(bytes)
  return isWhole ? entries : undefined
}

interface Footer {
  readonly meta: Uint8Array
  readonly index: Uint8Array
}

/** Each as the two numbers that `partOf` reads. */
function footerOf(table: Uint8Array): Footer | undefined {
  const footer = table.subarray(table.length - FOOTER_BYTES)
  if (table.length < FOOTER_BYTES || !equalBytes(footer.subarray(-MAGIC.length), MAGIC))
    return undefined
  const reader = new ByteReader(footer)
  readVarint(reader)
  readVarint(reader)
  const meta = footer.subarray(0, FOOTER_BYTES - reader.remaining)
  return { meta, index: footer.subarray(meta.length) }
}

/** A block with its trailer, by place and length; nothing where that is not within the table. */
function partOf(table: Uint8Array, handle: Uint8Array): Uint8Array | undefined {
  try {
    const reader = new ByteReader(handle)
    const from = readVarint(reader)
    const to = from + readVarint(reader) + TRAILER_BYTES
    return to <= table.length ? table.subarray(from, to) : undefined
  } catch (thrown) {
    if (thrown instanceof RangeError) return undefined
    throw thrown
  }
}

function encodeTable(blocks: readonly Block[]): Uint8Array {
  const parts: Uint8Array[] = []
  let at = 0
  const add = (bytes: Uint8Array): Uint8Array => {
    const handle = Buffer.of(...varint(at), ...varint(bytes.length - TRAILER_BYTES))
    parts.push(bytes)
    at += bytes.length
    return handle
  }
  const places = blocks.map(({ bytes, last }): Entry => ({ key: last, value: add(bytes) }))
  const handles = [add(encodeBlock([])), add(encodeBlock(places))]
  const footer = Buffer.alloc(FOOTER_BYTES)
  Buffer.concat(handles).copy(footer)
  MAGIC.copy(footer, FOOTER_BYTES - MAGIC.length)
  return concatBytes([...parts, footer])
}

/** What only its writer can have written, at the key that it says itself. */
function provesItself({ key, value }: Entry): boolean {
  if (!isKey(key)) return false
  const name = key.subarray(0, -SUFFIX_BYTES)
  if (name[0] === EPOCH_KEYS.gte[0]) {
    const state = parseState(value)
    return state !== undefined && equalBytes(epochKey(state.epoch), name)
  }
  if (name[0] !== RECORD_KEYS.gte[0]) return false
  const stored = parseStored(value, { linked: undefined, before: undefined })
  return stored !== undefined && equalBytes(recordKey(stored.record.header), name)
}

const SUFFIX_BYTES = 8

/** A key of the index has the largest sequence of all, which no entry has. */
function isKey(key: Uint8Array): boolean {
  if (key.length < SUFFIX_BYTES) return false
  const suffix = key.subarray(-SUFFIX_BYTES)
  return (suffix[0] ?? 0) <= 1 && suffix.subarray(1).some(byte => byte !== 0xff)
}

function isBefore(one: Uint8Array, other: Uint8Array): boolean {
  return compare(one, other) < 0
}

/** LevelDB's order: by what it was given, then the newest first (leveldb, db/dbformat.cc). */
function compare(one: Uint8Array, other: Uint8Array): number {
  const names = Buffer.compare(one.subarray(0, -SUFFIX_BYTES), other.subarray(0, -SUFFIX_BYTES))
  if (names !== 0) return names
  return Buffer.compare(newestFirst(one), newestFirst(other))
}

function newestFirst(key: Uint8Array): Uint8Array {
  return key
    .slice(-SUFFIX_BYTES)
    .reverse()
    .map(byte => 0xff - byte)
}
