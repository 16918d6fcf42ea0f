import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { ByteReader, equalBytes } from '../core/bytes.js'
import type { Operation } from '../core/database.js'

/**
 * A file of the second copy is a row of frames: length of the payload (4 bytes), SHA-256 over the
 * digest of the frame before and the payload, payload. A payload is one write to the database: for
 * each operation 1 (put) or 0 (del), length of the key (4), key, and length of the value (4) and
 * value where it is a put. Numbers are big-endian.
 */
const LENGTH_BYTES = 4
const DIGEST_BYTES = 32
const HEADER_BYTES = LENGTH_BYTES + DIGEST_BYTES
/** Twice what the largest group of events comes to. */
const MOST_BYTES = 128 * 1024 * 1024

/** Where the first frame of a file continues from. */
export const FIRST_DIGEST: Uint8Array = new Uint8Array(DIGEST_BYTES)

export interface Frame {
  readonly operations: readonly Operation[]
  readonly digest: Uint8Array
  /** Where the next one begins, in bytes. */
  readonly end: number
}

export function encodeOperations(operations: readonly Operation[]): Uint8Array {
  const parts: Uint8Array[] = []
  for (const operation of operations) {
    const isPut = operation.type === 'put'
    parts.push(Buffer.of(isPut ? 1 : 0), lengthOf(operation.key), operation.key)
    if (isPut) parts.push(lengthOf(operation.value), operation.value)
  }
  return Buffer.concat(parts)
}

/** A frame's bytes, and the digest that the next one continues. */
export function makeFrame(
  payload: Uint8Array,
  previous: Uint8Array,
): { readonly bytes: Uint8Array; readonly digest: Uint8Array } {
  const digest = digestOf(previous, payload)
  return { bytes: Buffer.concat([lengthOf(payload), digest, payload]), digest }
}

/** The sound frames of a file from its beginning, up to the first that is none. */
export async function* readFrames(path: string): AsyncGenerator<Frame, void, undefined> {
  let held = Buffer.alloc(0)
  let end = 0
  let digest = FIRST_DIGEST
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    held = Buffer.concat([held, chunk])
    for (let length = frameBytes(held); length <= held.length; length = frameBytes(held)) {
      const payload = held.subarray(HEADER_BYTES, length)
      const stated = held.subarray(LENGTH_BYTES, HEADER_BYTES)
      if (!equalBytes(digestOf(digest, payload), stated)) return
      digest = Buffer.from(stated)
      end += length
      yield { operations: decodeOperations(payload), digest, end }
      held = held.subarray(length)
    }
    if (frameBytes(held) > MOST_BYTES && held.length >= LENGTH_BYTES) return
  }
}

/** As far as that is known; else more than there is. */
function frameBytes(held: Buffer): number {
  if (held.length < LENGTH_BYTES) return HEADER_BYTES
  return HEADER_BYTES + held.readUInt32BE(0)
}

function decodeOperations(payload: Uint8Array): readonly Operation[] {
  const reader = new ByteReader(payload)
  const operations: Operation[] = []
  while (reader.remaining > 0) {
    const isPut = reader.uintBE(1) === 1
    const key = reader.take(reader.uintBE(LENGTH_BYTES))
    if (isPut)
      operations.push({ type: 'put', key, value: reader.take(reader.uintBE(LENGTH_BYTES)) })
    else operations.push({ type: 'del', key })
  }
  return operations
}

function digestOf(previous: Uint8Array, payload: Uint8Array): Uint8Array {
  return createHash('sha256').update(previous).update(payload).digest()
}

function lengthOf(bytes: Uint8Array): Uint8Array {
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(bytes.length)
  return length
}
