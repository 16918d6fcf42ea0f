import { ByteReader, concatBytes } from '../core/bytes.js'
import { fail, ok, type Result } from '../core/result.js'

/** One-byte tag, length, value. */
export interface TlvElement {
  readonly tag: number
  readonly value: Uint8Array
}

/**
 * `byte`: one length byte. `ber`: ISO/IEC 8825-1 §8.1.3, definite form, at most two further
 * bytes.
 */
export type TlvLengths = 'byte' | 'ber'

/** Every element of `bytes`, in order; fails where one ends beyond them. */
export function readTlv(
  bytes: Uint8Array,
  lengths: TlvLengths,
): Result<readonly TlvElement[], string> {
  const reader = new ByteReader(bytes)
  const elements: TlvElement[] = []
  try {
    while (reader.remaining > 0) {
      const tag = reader.uintBE(1)
      elements.push({ tag, value: reader.take(readLength(reader, lengths)) })
    }
  } catch (thrown) {
    if (thrown instanceof RangeError) return fail(thrown.message)
    throw thrown
  }
  return ok(elements)
}

export function writeTlv(
  elements: readonly TlvElement[],
  lengths: TlvLengths,
): Result<Uint8Array, string> {
  const limit = lengths === 'byte' ? 0xff : 0xffff
  if (elements.some(element => element.value.length > limit)) return fail(`over ${limit} bytes`)
  return ok(
    concatBytes(
      elements.flatMap(({ tag, value }) => [
        Uint8Array.of(tag, ...lengthBytes(value.length, lengths)),
        value,
      ]),
    ),
  )
}

function readLength(reader: ByteReader, lengths: TlvLengths): number {
  const first = reader.uintBE(1)
  if (lengths === 'byte' || first < 0x80) return first
  const count = first & 0x7f
  if (count < 1 || count > 2) throw new RangeError(`a length of ${count} further bytes`)
  const length = reader.uintBE(count)
  if (lengthBytes(length, 'ber').length !== count + 1)
    throw new RangeError('a length not in its shortest form')
  return length
}

function lengthBytes(length: number, lengths: TlvLengths): readonly number[] {
  if (lengths === 'byte' || length < 0x80) return [length]
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
}
