import { toHex } from '../core/bytes.js'
import { DigitRun } from './pan-scheme.js'

/** What may not be kept even for a moment (PCI DSS 3.3.1). */
export type Sensitive = 'track data' | 'PIN data'

export interface EmvFinding {
  readonly sensitive: Sensitive | undefined
  /** Values of card holder data, from and to in bytes: number, name, expiry. */
  readonly hidden: readonly (readonly [start: number, end: number])[]
}

/** EMV 4.4 Book 3, annex A, and Book C-2 for 9F6B. Tag 99 is the PIN that was entered. */
const TRACK_TAGS: ReadonlySet<number> = new Set([0x56, 0x57, 0x9f1f, 0x9f20, 0x9f6b])
const PIN_TAG = 0x99
const PAN_TAG = 0x5a
const HOLDER_TAGS: ReadonlySet<number> = new Set([PAN_TAG, 0x5f20, 0x5f24])

/** Lengths of one-byte tags that make it sure that these are EMV elements. */
const FIXED_LENGTHS: ReadonlyMap<number, number> = new Map([
  [0x82, 2],
  [0x95, 5],
  [0x9a, 3],
  [0x9b, 2],
  [0x9c, 1],
])

/** Known elements in a row from which bytes count as EMV elements. */
const SURE_ELEMENTS = 3

interface Element {
  readonly tag: number
  readonly valueAt: number
  readonly end: number
  /** Where the next element begins: inside, for one that consists of others. */
  readonly next: number
}

/**
 * The elements of a card's chip, wherever they stand in the bytes. Track 2 and the number are told
 * by tag, length and value; a PIN, a name and an expiry only in a row of known elements.
 */
export function findEmv(bytes: Uint8Array): EmvFinding {
  const alone = standingAlone(bytes)
  if (alone.sensitive !== undefined) return alone
  const inRow = elementsInRows(bytes)
  const isTrack = inRow.some(({ tag, valueAt, end }) => TRACK_TAGS.has(tag) && end > valueAt)
  const isPin = inRow.some(({ tag, valueAt, end }) => tag === PIN_TAG && end > valueAt)
  const holders = inRow
    .filter(({ tag }) => HOLDER_TAGS.has(tag))
    .map(({ valueAt, end }) => [valueAt, end] as const)
  return {
    sensitive: isTrack ? 'track data' : isPin ? 'PIN data' : undefined,
    hidden: [...alone.hidden, ...holders],
  }
}

function standingAlone(bytes: Uint8Array): EmvFinding {
  const hidden: (readonly [number, number])[] = []
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0
    const isContactless = byte === 0x6b && bytes[at - 1] === 0x9f
    if (byte !== 0x57 && byte !== PAN_TAG && !isContactless) continue
    const end = at + 2 + (bytes[at + 1] ?? 0)
    if (end > bytes.length || end - at < 8 || end - at > 21) continue
    const value = toHex(bytes.subarray(at + 2, end))
    if (byte !== PAN_TAG) {
      if (/^\d{12,19}d\d{7,}f?$/.test(value)) return { sensitive: 'track data', hidden: [] }
      continue
    }
    const [, digits] = /^(\d{12,19})f*$/.exec(value) ?? []
    if (digits !== undefined && new DigitRun(digits).isLuhn(0, digits.length))
      hidden.push([at + 2, end])
  }
  return { sensitive: undefined, hidden }
}

/** The elements of every row that is long enough to be sure of. */
function elementsInRows(bytes: Uint8Array): readonly Element[] {
  if (!mayHoldRow(bytes)) return []
  const elements = Array.from(bytes, (_, at) => elementAt(bytes, at))
  const known = new Uint16Array(bytes.length + 1)
  for (let at = bytes.length - 1; at >= 0; at -= 1) {
    const element = elements[at]
    if (element !== undefined) known[at] = (known[element.next] ?? 0) + (isKnown(element) ? 1 : 0)
  }
  const found: Element[] = []
  for (let at = 0; at < bytes.length; ) {
    const element = elements[at]
    const isSure = element !== undefined && (known[at] ?? 0) >= SURE_ELEMENTS
    if (!isSure || !isKnown(element)) {
      at += 1
      continue
    }
    let next: Element | undefined = element
    for (; next !== undefined; next = elements[next.next]) {
      found.push(next)
      at = next.next
    }
  }
  return found
}

/** Most bytes hold too few known tags to be looked at more closely. */
function mayHoldRow(bytes: Uint8Array): boolean {
  let count = 0
  for (let at = 0; at < bytes.length && count < SURE_ELEMENTS; at += 1) {
    const element = isTagByte(bytes[at] ?? 0) ? elementAt(bytes, at) : undefined
    if (element !== undefined && isKnown(element)) count += 1
  }
  return count >= SURE_ELEMENTS
}

function isTagByte(byte: number): boolean {
  return byte === 0x9f || byte === 0x5f || FIXED_LENGTHS.has(byte)
}

function isKnown({ tag, valueAt, end }: Element): boolean {
  if (tag > 0xff) return tag >> 8 === 0x9f || tag >> 8 === 0x5f
  return FIXED_LENGTHS.get(tag) === end - valueAt
}

/** BER-TLV as EMV Book 3, annex B has it: tags of one or two bytes, lengths of one to three. */
function elementAt(bytes: Uint8Array, at: number): Element | undefined {
  const first = bytes[at] ?? 0
  const isLong = (first & 0x1f) === 0x1f
  const second = bytes[at + 1] ?? 0xff
  if (first === 0 || first === 0xff || (isLong && second >= 0x80)) return undefined
  const lengthAt = at + (isLong ? 2 : 1)
  const length = bytes[lengthAt] ?? 0xff
  const further = length === 0x81 ? 1 : length === 0x82 ? 2 : 0
  if (length > 0x82 || length === 0x80) return undefined
  const valueAt = lengthAt + 1 + further
  const size =
    further === 0
      ? length
      : bytes.subarray(lengthAt + 1, valueAt).reduce((sum, byte) => sum * 256 + byte, 0)
  const end = valueAt + size
  if (end > bytes.length) return undefined
  const isConstructed = (first & 0x20) !== 0
  const tag = isLong ? first * 256 + second : first
  return { tag, valueAt, end, next: isConstructed ? valueAt : end }
}
