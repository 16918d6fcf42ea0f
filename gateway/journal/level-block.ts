import { CRC_START, extendCrc32c, masked, maskedCrc32c } from './crc32c.js'
import { literalHead, unsnappy } from './snappy.js'

/**
 * A block of one of LevelDB's tables (leveldb, doc/table_format.md, table/block_builder.cc):
 * entries in the order of their keys, each sharing the front of its key with the one before;
 * places where none is shared (restarts), and their count. In the file a type and a checksum
 * follow it.
 */
export interface Entry {
  /** What LevelDB was given, and behind it 8 bytes: 1 for a value or 0 for none, and a sequence. */
  readonly key: Uint8Array
  readonly value: Uint8Array
}

export const TRAILER_BYTES = 5
const PLAIN = 0
const SNAPPY = 1
export const MAX_TYPE = SNAPPY
const COUNT_BYTES = 4

/** A block and its trailer, in the bytes of a file. */
export function isChecked(bytes: Uint8Array): boolean {
  const at = bytes.length - TRAILER_BYTES
  if (at < 0) return false
  const [type = 0] = bytes.subarray(at)
  return type <= MAX_TYPE && uint32(bytes, at + 1) === maskedCrc32c(bytes.subarray(0, at + 1))
}

/**
 * Where blocks might end, by their checksums alone: each length, trailer included, for which the
 * checksum of the bytes from there is right.
 */
export function* checkedLengths(bytes: Uint8Array): Generator<number> {
  let crc = CRC_START
  let from = 0
  for (let at = 0; at + TRAILER_BYTES <= bytes.length; at += 1) {
    if ((bytes[at] ?? 0) > MAX_TYPE) continue
    crc = extendCrc32c(crc, bytes.subarray(from, at + 1))
    from = at + 1
    if (masked(crc) === uint32(bytes, at + 1)) yield at + TRAILER_BYTES
  }
}

/**
 * Whether a block may begin with these bytes: with a whole key, plain or as what Snappy has first,
 * a literal.
 */
export function looksLikeBlock(head: Uint8Array): boolean {
  const packed = head.subarray(head.findIndex(byte => byte < 0x80) + 1)
  const [tag = 0] = packed
  return isWholeKey(head) || ((tag & 3) === 0 && isWholeKey(packed.subarray(literalHead(tag))))
}

/** It shares nothing with one before, and is longer than what LevelDB puts behind each. */
function isWholeKey([shared = 0, added = 0]: Uint8Array): boolean {
  return shared === 0 && added > 8
}

/**
 * The entries of a block with its trailer, whatever its checksum. Where they do not end as they
 * should, those that can be told from any restart, some of them more than once.
 */
export function entriesOf(bytes: Uint8Array): {
  readonly entries: readonly Entry[]
  /** They are all there, as LevelDB reads them. */
  readonly isWhole: boolean
} {
  const content = unpacked(bytes) ?? new Uint8Array(0)
  const restarts = restartsOf(content)
  const end = content.length - COUNT_BYTES * (restarts.length + 1)
  const entries: Entry[] = []
  const isWhole = restarts.length > 0 && readRun(content.subarray(0, end), 0, entries)
  if (!isWhole) for (const place of restarts) readRun(content.subarray(0, end), place, entries)
  return { entries, isWhole }
}

/** A block with its trailer; each key stands whole. */
export function encodeBlock(entries: readonly Entry[]): Uint8Array {
  const parts: Uint8Array[] = []
  const restarts: number[] = []
  let at = 0
  for (const { key, value } of entries) {
    restarts.push(at)
    const head = Buffer.of(0, ...varint(key.length), ...varint(value.length))
    parts.push(head, key, value)
    at += head.length + key.length + value.length
  }
  // LevelDB has one restart in an empty block, too.
  const places = restarts.length === 0 ? [0] : restarts
  const tail = Buffer.alloc(COUNT_BYTES * (places.length + 1) + TRAILER_BYTES)
  for (const [index, place] of [...places, places.length].entries())
    tail.writeUInt32LE(place, index * COUNT_BYTES)
  const block = Buffer.concat([...parts, tail])
  const end = block.length - TRAILER_BYTES
  block.writeUInt32LE(maskedCrc32c(block.subarray(0, end + 1)), end + 1)
  return block
}

/** Seven bits a byte, the lowest first. */
export function varint(value: number): readonly number[] {
  return value < 0x80 ? [value] : [(value % 128) + 0x80, ...varint(Math.floor(value / 128))]
}

function unpacked(bytes: Uint8Array): Uint8Array | undefined {
  const at = bytes.length - TRAILER_BYTES
  const content = bytes.subarray(0, Math.max(0, at))
  if (bytes[at] === SNAPPY) return unsnappy(content)
  return bytes[at] === PLAIN ? content : undefined
}

/** None where their count cannot be true. */
function restartsOf(content: Uint8Array): readonly number[] {
  const count = content.length < COUNT_BYTES ? 0 : uint32(content, content.length - COUNT_BYTES)
  const from = content.length - COUNT_BYTES * (count + 1)
  if (from < 0) return []
  return Array.from({ length: count }, (_, index) => uint32(content, from + COUNT_BYTES * index))
}

/** Adds the entries from one restart on; whether they end where the content does. */
function readRun(content: Uint8Array, from: number, entries: Entry[]): boolean {
  let key: Uint8Array = new Uint8Array(0)
  let at = from
  const number = (): number => {
    let value = 0
    for (let scale = 1; at < content.length; scale *= 128) {
      const byte = content[at] ?? 0
      at += 1
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
    return Number.NaN
  }
  while (at < content.length) {
    const [shared, added, length] = [number(), number(), number()]
    const end = at + added + length
    if (!(shared <= key.length && end <= content.length)) return false
    key = Buffer.concat([key.subarray(0, shared), content.subarray(at, at + added)])
    entries.push({ key, value: content.subarray(at + added, end) })
    at = end
  }
  return at === content.length
}

function uint32(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(at, at + COUNT_BYTES)
  return a + b * 0x100 + c * 0x10000 + d * 0x1000000
}
