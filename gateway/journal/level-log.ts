import { ByteReader } from '../core/bytes.js'
import type { Operation } from '../core/database.js'
import { maskedCrc32c } from './crc32c.js'
import { EPOCH_KEYS, RECORD_KEYS } from './keys.js'

/**
 * LevelDB's log of writes (leveldb, doc/log_format.md, db/write_batch.cc). Blocks hold fragments:
 * checksum 4, length 2, type 1, bytes. A whole record is a batch: sequence 8, count 4, operations.
 */
const BLOCK_BYTES = 32 * 1024
const HEADER_BYTES = 7
const FULL = 1
const FIRST = 2
const MIDDLE = 3
const LAST = 4
const BATCH_HEADER_BYTES = 12
const PUT = 1

/**
 * A log that LevelDB's repair can be trusted with, or nothing where this one is that already. The
 * repair reads batches whose checksum is wrong, too, and aborts the process where two claim one
 * sequence number. Of a damaged batch only records and states of epochs are kept: they prove
 * themselves.
 */
export function mendedLog(log: Uint8Array): Uint8Array | undefined {
  const batches: Uint8Array[] = []
  let isMended = false
  let next = 0
  for (const { bytes, isWhole } of batchesOf(log)) {
    const { sequence, count } = headerOf(bytes)
    if (isWhole && sequence >= next) {
      batches.push(bytes)
      next = sequence + count
      continue
    }
    isMended = true
    const kept = isWhole ? operationsOf(bytes) : operationsOf(bytes).filter(provesItself)
    if (kept.length > 0) batches.push(encodeBatch(next, kept))
    next += kept.length
  }
  return isMended ? encodeLog(batches) : undefined
}

/** Seven bits a byte, the lowest first. @throws RangeError on short input. */
export function readVarint(reader: ByteReader): number {
  let value = 0
  for (let scale = 1; ; scale *= 128) {
    const [byte = 0] = reader.take(1)
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value
  }
}

interface LoggedBatch {
  readonly bytes: Uint8Array
  /** Every fragment is there and its checksum right. */
  readonly isWhole: boolean
}

/** What was begun and not ended at the end of the log was never durable: it is left out. */
function* batchesOf(log: Uint8Array): Generator<LoggedBatch> {
  let parts: Uint8Array[] = []
  let isWhole = true
  for (const { type, bytes, isSound } of fragmentsOf(log)) {
    if (type === FULL || type === FIRST) {
      if (parts.length > 0) yield* batchOf(parts, false)
      parts = []
      isWhole = true
    } else if (parts.length === 0) continue
    isWhole &&= isSound
    parts.push(bytes)
    if (type !== FULL && type !== LAST) continue
    yield* batchOf(parts, isWhole)
    parts = []
  }
}

function* batchOf(parts: readonly Uint8Array[], isWhole: boolean): Generator<LoggedBatch> {
  const bytes = Buffer.concat(parts)
  if (bytes.length >= BATCH_HEADER_BYTES) yield { bytes, isWhole }
}

interface Fragment {
  readonly type: number
  readonly bytes: Uint8Array
  readonly isSound: boolean
}

function* fragmentsOf(log: Uint8Array): Generator<Fragment> {
  const view = Buffer.from(log.buffer, log.byteOffset, log.length)
  for (let at = 0; at + HEADER_BYTES <= log.length; ) {
    const blockEnd = (Math.floor(at / BLOCK_BYTES) + 1) * BLOCK_BYTES
    if (at + HEADER_BYTES > blockEnd) {
      at = blockEnd
      continue
    }
    const [length, type] = [view.readUInt16LE(at + 4), view.readUInt8(at + 6)]
    const end = at + HEADER_BYTES + length
    if (end > Math.min(blockEnd, log.length) || (type === 0 && length === 0)) {
      // Nobody can tell where the next fragment begins: a batch that spans this place is not whole.
      yield { type: 0, bytes: new Uint8Array(), isSound: false }
      at = blockEnd
      continue
    }
    const isSound = view.readUInt32LE(at) === maskedCrc32c(log.subarray(at + 6, end))
    yield { type, bytes: log.subarray(at + HEADER_BYTES, end), isSound }
    at = end
  }
}

function headerOf(batch: Uint8Array): { readonly sequence: number; readonly count: number } {
  const reader = new ByteReader(batch)
  return { sequence: reader.uintLE(8), count: reader.uintLE(4) }
}

/** Up to the first that cannot be read. */
function operationsOf(batch: Uint8Array): readonly Operation[] {
  const reader = new ByteReader(batch.subarray(BATCH_HEADER_BYTES))
  const operations: Operation[] = []
  try {
    while (reader.remaining > 0) {
      const tag = reader.uintLE(1)
      if (tag > PUT) break
      const key = reader.take(readVarint(reader))
      if (tag === PUT) operations.push({ type: 'put', key, value: reader.take(readVarint(reader)) })
      else operations.push({ type: 'del', key })
    }
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown
  }
  return operations
}

function provesItself(operation: Operation): boolean {
  const [first] = operation.key
  return operation.type === 'put' && (first === RECORD_KEYS.gte[0] || first === EPOCH_KEYS.gte[0])
}

function encodeBatch(sequence: number, operations: readonly Operation[]): Uint8Array {
  const header = Buffer.alloc(BATCH_HEADER_BYTES)
  header.writeBigUInt64LE(BigInt(sequence))
  header.writeUInt32LE(operations.length, 8)
  const encoded = operations.flatMap(operation =>
    operation.type === 'put'
      ? [Buffer.of(PUT), ...sized(operation.key), ...sized(operation.value)]
      : [Buffer.of(0), ...sized(operation.key)],
  )
  return Buffer.concat([header, ...encoded])
}

function sized(bytes: Uint8Array): readonly Uint8Array[] {
  const length: number[] = []
  let left = bytes.length
  for (; left >= 0x80; left = Math.floor(left / 128)) length.push((left % 128) + 0x80)
  return [Buffer.of(...length, left), bytes]
}

function encodeLog(records: readonly Uint8Array[]): Uint8Array {
  const parts: Uint8Array[] = []
  let at = 0
  const add = (bytes: Uint8Array): void => {
    parts.push(bytes)
    at += bytes.length
  }
  for (const record of records) {
    for (let from = 0; from < record.length; ) {
      const left = BLOCK_BYTES - (at % BLOCK_BYTES)
      if (left <= HEADER_BYTES) {
        add(new Uint8Array(left))
        continue
      }
      const bytes = record.subarray(from, from + left - HEADER_BYTES)
      const isLast = from + bytes.length === record.length
      const type = from === 0 ? (isLast ? FULL : FIRST) : isLast ? LAST : MIDDLE
      add(encodeFragment(type, bytes))
      from += bytes.length
    }
  }
  return Buffer.concat(parts)
}

function encodeFragment(type: number, bytes: Uint8Array): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt32LE(maskedCrc32c(Buffer.concat([Buffer.of(type), bytes])))
  header.writeUInt16LE(bytes.length, 4)
  header.writeUInt8(type, 6)
  return Buffer.concat([header, bytes])
}
