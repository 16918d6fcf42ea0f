import { fail, ok, type Result } from '../../core/result.js'

/** An element of a TLV container (BMP 06): a value, or further elements. */
export interface TlvElement {
  readonly tag: TlvTag
  readonly value: Uint8Array
  /** Of a constructed one; its `value` is all of them. */
  readonly elements: readonly TlvElement[]
}

export interface TlvTag {
  /** As it is written: `1F07`. */
  readonly hex: string
  readonly bytes: number
  readonly number: number
  readonly constructed: boolean
  readonly class: 'universal' | 'application' | 'context-specific' | 'private'
}

const CLASSES = ['universal', 'application', 'context-specific', 'private'] as const
const CONSTRUCTED = 0x20
const NUMBER = 0x1f
const MORE = 0x80
const LONGEST_TAG = 4
/** Deeper than any container of the specification. */
const DEEPEST = 8

/** The tag at the front: its number is five bits, or where all are set what stands behind. */
export function readTlvTag(bytes: Uint8Array): TlvTag | undefined {
  const [first] = bytes
  if (first === undefined) return undefined
  const about = {
    constructed: (first & CONSTRUCTED) !== 0,
    class: CLASSES[first >> 6] ?? 'universal',
  }
  if ((first & NUMBER) !== NUMBER)
    return { ...about, hex: hexOf(bytes, 1), bytes: 1, number: first & NUMBER }
  let number = 0
  for (let size = 2; size <= LONGEST_TAG; size += 1) {
    const byte = bytes[size - 1]
    if (byte === undefined) return undefined
    number = number * 128 + (byte & 0x7f)
    if ((byte & MORE) === 0) return { ...about, hex: hexOf(bytes, size), bytes: size, number }
  }
  return undefined
}

/** `00`-`7F`, `81 n`, or `82 hi lo`: the high byte first, unlike an APDU's. */
export function readTlvLength(
  bytes: Uint8Array,
): { readonly length: number; readonly bytes: 1 | 2 | 3 } | undefined {
  const [first, second, third] = bytes
  if (first === undefined) return undefined
  if (first < 0x80) return { length: first, bytes: 1 }
  if (first === 0x81 && second !== undefined) return { length: second, bytes: 2 }
  if (first === 0x82 && second !== undefined && third !== undefined)
    return { length: second * 256 + third, bytes: 3 }
  return undefined
}

/** Every element of `bytes`, to the last byte; fails where one is not whole. */
export function readTlvElements(
  bytes: Uint8Array,
  depth = 0,
): Result<readonly TlvElement[], string> {
  if (depth > DEEPEST) return fail(`elements nested deeper than ${DEEPEST}`)
  const elements: TlvElement[] = []
  for (let at = 0; at < bytes.length; ) {
    const tag = readTlvTag(bytes.subarray(at))
    if (tag === undefined) return fail('a tag is cut off')
    const length = readTlvLength(bytes.subarray(at + tag.bytes))
    if (length === undefined) return fail(`tag ${tag.hex}: its length is none`)
    const from = at + tag.bytes + length.bytes
    at = from + length.length
    if (at > bytes.length) return fail(`tag ${tag.hex}: it ends beyond its container`)
    const value = bytes.subarray(from, at)
    const inner = tag.constructed ? readTlvElements(value, depth + 1) : ok([])
    // A vendor's own tag may say that it is constructed, and hold what it likes.
    if (!inner.ok && tag.class !== 'private') return inner
    elements.push({ tag, value, elements: inner.ok ? inner.value : [] })
  }
  return ok(elements)
}

/** @throws RangeError above 65535. */
export function tlvLengthBytes(length: number): Uint8Array {
  if (length > 0xffff) throw new RangeError(`${length} bytes are too many for one element`)
  if (length < 0x80) return Uint8Array.of(length)
  return length < 0x100 ? Uint8Array.of(0x81, length) : Uint8Array.of(0x82, length >> 8, length)
}

/** The first element with this tag, wherever it stands. */
export function findTlv(elements: readonly TlvElement[], tag: string): TlvElement | undefined {
  for (const element of elements) {
    const found = element.tag.hex === tag ? element : findTlv(element.elements, tag)
    if (found !== undefined) return found
  }
  return undefined
}

function hexOf(bytes: Uint8Array, size: number): string {
  return Buffer.from(bytes.subarray(0, size)).toString('hex').toUpperCase()
}
