import { bcdOfDigits } from '../../codec/bcd.js'
import { concatBytes } from '../../core/bytes.js'
import { fail, ok, type Result } from '../../core/result.js'
import { readTlvElements, readTlvLength, type TlvElement, tlvLengthBytes } from './tlv.js'
import { encodeVarLength, readVarLength } from './var-length.js'

/** A field of an APDU: its tag and its value, the length left away. */
export interface Bmp {
  readonly tag: number
  readonly value: Uint8Array
}

/** How long a field is: so many bytes, what an LL or LLL in front says, or a TLV length. */
type Size = number | 'LL' | 'LLL' | 'TLV'

const TLV_CONTAINER = 0x06

const ONE_BYTE = [
  0x01, 0x02, 0x03, 0x05, 0x19, 0x27, 0x8a, 0x8c, 0xa0, 0xd0, 0xd2, 0xd3, 0xe0, 0xe9, 0xea, 0xf0,
  0xf9, 0xfa, 0xfb, 0xfc, 0xfd,
]
const LL = [
  0x22, 0x23, 0x2d, 0x8b, 0xa7, 0xd1, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xf1, 0xf2,
  0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
]
const LLL = [0x24, 0x2e, 0x3c, 0x60, 0x92, 0x9a, 0xaf]

/** PA00P015 13.08, chapter 8 (list of bitmaps). */
const SIZES: ReadonlyMap<number, Size> = new Map<number, Size>([
  ...ONE_BYTE.map(tag => [tag, 1] as const),
  ...LL.map(tag => [tag, 'LL'] as const),
  ...LLL.map(tag => [tag, 'LLL'] as const),
  [TLV_CONTAINER, 'TLV'],
  [0x04, 6],
  [0x0b, 3],
  [0x0c, 3],
  [0x0d, 2],
  [0x0e, 2],
  [0x17, 2],
  [0x29, 4],
  [0x2a, 15],
  [0x37, 3],
  [0x3a, 2],
  [0x3b, 8],
  [0x3d, 3],
  [0x49, 2],
  [0x87, 2],
  [0x88, 3],
  [0xaa, 3],
  [0xba, 5],
  [0xeb, 8],
])

/**
 * Every field to the last byte. Fails on a tag that is not known, whose length nobody can guess,
 * and on a field that ends beyond the message.
 */
export function readBmps(bytes: Uint8Array): Result<readonly Bmp[], string> {
  const bmps: Bmp[] = []
  for (let at = 0; at < bytes.length; ) {
    const [tag = 0] = bytes.subarray(at)
    const size = SIZES.get(tag)
    const name = nameOf(tag)
    if (size === undefined) return fail(`${name} is not known`)
    const extent = extentOf(bytes.subarray(at + 1), size)
    if (extent === undefined) return fail(`${name}: its length is none`)
    const from = at + 1 + extent.prefix
    at = from + extent.length
    if (at > bytes.length) return fail(`${name} ends beyond the message`)
    bmps.push({ tag, value: bytes.subarray(from, at) })
  }
  return ok(bmps)
}

/** @throws RangeError where a value does not fit its field, or the field is not known. */
export function encodeBmps(bmps: readonly Bmp[]): Uint8Array {
  return concatBytes(bmps.flatMap(bmp => [Uint8Array.of(bmp.tag), withLength(bmp)]))
}

/** The elements of all TLV containers among the fields; fails where one is malformed. */
export function tlvOf(bmps: readonly Bmp[]): Result<readonly TlvElement[], string> {
  const elements: TlvElement[] = []
  for (const { tag, value } of bmps) {
    if (tag !== TLV_CONTAINER) continue
    const read = readTlvElements(value)
    if (!read.ok) return read
    elements.push(...read.value)
  }
  return ok(elements)
}

export function bmpValue(bmps: readonly Bmp[], tag: number): Uint8Array | undefined {
  return bmps.find(bmp => bmp.tag === tag)?.value
}

export function nameOf(tag: number): string {
  return `BMP ${tag.toString(16).padStart(2, '0').toUpperCase()}`
}

function extentOf(
  bytes: Uint8Array,
  size: Size,
): { readonly prefix: number; readonly length: number } | undefined {
  if (typeof size === 'number') return { prefix: 0, length: size }
  if (size === 'TLV') {
    const read = readTlvLength(bytes)
    return read === undefined ? undefined : { prefix: read.bytes, length: read.length }
  }
  const digits = size === 'LL' ? 2 : 3
  const length = readVarLength(bytes, digits)
  return length === undefined ? undefined : { prefix: digits, length }
}

function withLength({ tag, value }: Bmp): Uint8Array {
  const size = SIZES.get(tag)
  switch (size) {
    case 'LL':
      return encodeVarLength(value, 2)
    case 'LLL':
      return encodeVarLength(value, 3)
    case 'TLV':
      return concatBytes([tlvLengthBytes(value.length), value])
    default:
      if (size !== value.length) throw new RangeError(`${nameOf(tag)}: expected ${size} bytes`)
      return value
  }
}

/** @throws RangeError where the digits do not fit. */
export function bcd(digits: string, byteCount: number): Uint8Array {
  const packed = bcdOfDigits(digits, byteCount)
  if (!packed.ok) throw new RangeError(packed.error)
  return packed.value
}
