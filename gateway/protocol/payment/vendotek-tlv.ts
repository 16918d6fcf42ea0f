import { ByteReader, concatBytes } from '../../core/bytes.js'
import { fail, ok, type Result } from '../../core/result.js'

/** Of one element: its tag and length, and what they say is to come. */
export interface VendotekHeader {
  readonly tag: number
  readonly headerLength: number
  readonly valueLength: number
}

/** Above it, bits 0 to 6 say how many bytes the length takes (ISO/IEC 8825-1 8.1.3). */
const LONGEST_SHORT_FORM = 0x80
const MAX_LENGTH_BYTES = 4

/**
 * A length of 80h is 128 here: the terminals write it so, and none of them has the indefinite form.
 */
export function readVendotekHeader(bytes: Uint8Array): Result<VendotekHeader, string> {
  const reader = new ByteReader(bytes)
  try {
    const tag = reader.uintBE(1)
    const first = reader.uintBE(1)
    if (first <= LONGEST_SHORT_FORM) return ok({ tag, headerLength: 2, valueLength: first })
    const size = first & 0x7f
    if (size > MAX_LENGTH_BYTES) return fail('a length of more than four bytes')
    return ok({ tag, headerLength: 2 + size, valueLength: reader.uintBE(size) })
  } catch (thrown) {
    if (thrown instanceof RangeError) return fail('shorter than tag and length')
    throw thrown
  }
}

/** Values by their tag; the first of a tag counts. */
export function readVendotekTlv(
  bytes: Uint8Array,
): Result<ReadonlyMap<number, Uint8Array>, string> {
  const fields = new Map<number, Uint8Array>()
  let rest = bytes
  while (rest.length > 0) {
    const header = readVendotekHeader(rest)
    if (!header.ok) return header
    const { tag, headerLength, valueLength } = header.value
    const end = headerLength + valueLength
    if (end > rest.length) return fail('a field ends beyond the message')
    if (!fields.has(tag)) fields.set(tag, rest.subarray(headerLength, end))
    rest = rest.subarray(end)
  }
  return ok(fields)
}

/** Values of up to 127 bytes. */
export function writeVendotekTlv(fields: Iterable<readonly [number, string]>): Uint8Array {
  return concatBytes(
    [...fields].flatMap(([tag, text]) => {
      const value = Buffer.from(text, 'latin1')
      if (value.length >= LONGEST_SHORT_FORM) throw new RangeError(`tag ${tag}: too long`)
      return [Uint8Array.of(tag, value.length), value]
    }),
  )
}
