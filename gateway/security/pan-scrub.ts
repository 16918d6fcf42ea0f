import { toHex } from '../core/bytes.js'
import { type EmvFinding, findEmv, type Sensitive } from './emv-search.js'
import { DigitRun, keptOf, SHORTEST_PAN } from './pan-scheme.js'
import { findPanDigits, type PanSearch } from './pan-search.js'
import { holdsPackedTrack, holdsTrack } from './track-search.js'

/** A text or bytes as they may be kept. */
export interface Scrubbed<Value> {
  /** As long as what was given, every hidden digit a star. */
  readonly value: Value
  /** How many digits and other signs of card data were hidden. */
  readonly hidden: number
  /** Where there is such data nothing may be kept, not even what is in `value`. */
  readonly sensitive: Sensitive | undefined
}

/** Text within text within text is as far as it goes: hexadecimal of base64, say. */
const DEEPEST = 2
const HEX = /[0-9A-Fa-f]{24,}/g
const BASE64 = /[A-Za-z0-9+/_-]{16,}/g
const SHORTEST_ENCODED = 16

/**
 * A text without card numbers, however they are written in it: digits, digits in groups, the same
 * as UTF-16, in hexadecimal and in base64. Takes time in proportion to the length.
 */
export function scrubText(text: string, search: PanSearch): Scrubbed<string> {
  return scrubCharacters({ text, search, depth: 0 })
}

/**
 * Bytes without card numbers: as `scrubText`, and also in packed BCD, among the elements of a chip
 * and inside longer runs of digits. Give it whole frames: half a number is not recognised.
 */
export function scrubBytes(bytes: Uint8Array): Scrubbed<Uint8Array> {
  const inText = scrubText(latin1(bytes), { runs: 'inside', isAboutCards: false })
  const inBytes = scrubBinary(Buffer.from(inText.value, 'latin1'), { bcd: 'inside' })
  return {
    value: inBytes.value,
    hidden: inText.hidden + inBytes.hidden,
    sensitive: inText.sensitive ?? inBytes.sensitive,
  }
}

/** Whether bytes hold what may not be kept at all; of a good frame that is all that is asked. */
export function sensitiveIn(bytes: Uint8Array): Sensitive | undefined {
  const { sensitive } = scrubCharacters({ text: latin1(bytes), search: undefined, depth: 0 })
  return sensitive ?? scrubBinary(bytes, { bcd: 'none' }).sensitive
}

function scrubCharacters(options: {
  readonly text: string
  /** Absent: only what is sensitive is looked for. */
  readonly search: PanSearch | undefined
  readonly depth: number
}): Scrubbed<string> {
  const { text, search, depth } = options
  if (!mayHoldCard(text)) return { value: text, hidden: 0, sensitive: undefined }
  const found = new Set(search === undefined ? [] : findPanDigits(text, search))
  let sensitive: Sensitive | undefined = holdsTrack(text) ? 'track data' : undefined
  for (const { text: narrow, placeOf } of wideViews(text)) {
    if (search !== undefined) for (const at of findPanDigits(narrow, search)) found.add(placeOf(at))
    if (holdsTrack(narrow)) sensitive = 'track data'
  }
  const plain = withStars(text, found)
  if (depth === DEEPEST || !mayHoldEncoded(plain))
    return { value: plain, hidden: found.size, sensitive }
  const inner = scrubEncoded({ text: plain, search, depth })
  return {
    value: inner.value,
    hidden: found.size + inner.hidden,
    sensitive: sensitive ?? inner.sensitive,
  }
}

/** Most texts hold neither as many digits as a card number nor anything that encodes one. */
function mayHoldCard(text: string): boolean {
  if (text.length < SHORTEST_PAN) return false
  let signs = 0
  for (let at = 0; at < text.length && signs < SHORTEST_PAN; at += 1)
    if ((kindAt(text, at) & SIGN) !== 0) signs += 1
  return signs >= SHORTEST_PAN || mayHoldEncoded(text)
}

function mayHoldEncoded(text: string): boolean {
  let run = 0
  for (let at = 0; at < text.length && run < SHORTEST_ENCODED; at += 1)
    run = (kindAt(text, at) & ENCODED) !== 0 ? run + 1 : 0
  return run >= SHORTEST_ENCODED
}

function kindAt(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return code === 0x2022 ? SIGN : (KINDS[code] ?? 0)
}

/** Bits: a digit or a sign in place of one; a letter of hexadecimal or base64. */
const SIGN = 1
const ENCODED = 2
const KINDS = Uint8Array.from({ length: 256 }, (_, code) => {
  const character = String.fromCharCode(code)
  return (/[\d*xX#]/.test(character) ? SIGN : 0) | (/[\w+/-]/.test(character) ? ENCODED : 0)
})

function withStars(text: string, hidden: ReadonlySet<number>): string {
  if (hidden.size === 0) return text
  const characters = text.split('')
  for (const at of hidden) characters[at] = '*'
  return characters.join('')
}

interface View {
  readonly text: string
  readonly placeOf: (at: number) => number
}

/** UTF-16 in bytes: every second character is NUL; either of the two may come first. */
function wideViews(text: string): readonly View[] {
  if (text.indexOf('\0') < 0 || text.split('\0').length <= SHORTEST_PAN) return []
  return [0, 1].map(parity => ({
    text: Array.from({ length: Math.floor((text.length + 1 - parity) / 2) }, (_, half) => {
      const at = 2 * half + parity
      return text[at - 1] === '\0' || text[at + 1] === '\0' ? (text[at] ?? '') : '\0'
    }).join(''),
    placeOf: half => 2 * half + parity,
  }))
}

/** What stands encoded in a text is scrubbed by itself and put back, as long as it was. */
function scrubEncoded(options: {
  readonly text: string
  readonly search: PanSearch | undefined
  readonly depth: number
}): Scrubbed<string> {
  const { search, depth } = options
  let { text } = options
  let hidden = 0
  let sensitive: Sensitive | undefined
  const encodings = [
    { pattern: HEX, encoding: 'hex', unit: 2 },
    { pattern: BASE64, encoding: 'base64', unit: 4 },
  ] as const
  for (const { pattern, encoding, unit } of encodings) {
    for (const { 0: found, index } of text.matchAll(pattern)) {
      for (let shift = 0; shift < unit; shift += 1) {
        const whole = found.length - shift
        const length = encoding === 'hex' ? whole - (whole % unit) : whole
        const at = index + shift
        const given = text.slice(at, at + length)
        // A long number is also hexadecimal, but then of text at most, never of BCD.
        const isNumber = encoding === 'hex' && !/[A-F]/i.test(given)
        const inner = scrubDecoded({ bytes: Buffer.from(given, encoding), isNumber, search, depth })
        sensitive ??= inner.sensitive
        if (inner.hidden === 0) continue
        hidden += inner.hidden
        text = text.slice(0, at) + encodeAs(given, inner.value, encoding) + text.slice(at + length)
      }
    }
  }
  return { value: text, hidden, sensitive }
}

function scrubDecoded(options: {
  readonly bytes: Uint8Array
  readonly isNumber: boolean
  readonly search: PanSearch | undefined
  readonly depth: number
}): Scrubbed<Uint8Array> {
  const { bytes, isNumber, search, depth } = options
  const inner = scrubCharacters({ text: latin1(bytes), search, depth: depth + 1 })
  const value = Buffer.from(inner.value, 'latin1')
  if (isNumber) return { ...inner, value }
  const binary = scrubBinary(value, { bcd: search === undefined ? 'none' : 'alone' })
  return {
    value: binary.value,
    hidden: inner.hidden + binary.hidden,
    sensitive: inner.sensitive ?? binary.sensitive,
  }
}

/** The same alphabet and case as was given. */
function encodeAs(given: string, bytes: Uint8Array, encoding: 'hex' | 'base64'): string {
  const text = Buffer.from(bytes).toString(encoding)
  if (encoding === 'hex') return /[A-F]/.test(given) ? text.toUpperCase() : text
  const same = /[-_]/.test(given) ? text.replaceAll('+', '-').replaceAll('/', '_') : text
  // Without the padding that was not given; a last sign too many stood for nothing.
  const unpadded = same.replace(/=+$/, '')
  return unpadded + given.slice(unpadded.length)
}

/** Packed BCD, and the elements of a chip. */
function scrubBinary(
  given: Uint8Array,
  /** Numbers among other digits, only one that stands alone, or none. */
  how: { readonly bcd: 'inside' | 'alone' | 'none' },
): Scrubbed<Uint8Array> {
  const emv = findEmv(given)
  const bytes = withoutElements(given, emv)
  // Neither a track nor any number in BCD consists of nothing but the bytes of text.
  const nibbles = holdsBinary(bytes) ? toHex(bytes) : ''
  const sensitive = emv.sensitive ?? (holdsPackedTrack(nibbles) ? 'track data' : undefined)
  const hidden = new Set<number>()
  if (how.bcd === 'inside') hideBcdInside({ bytes, nibbles, hidden })
  if (how.bcd === 'alone') hideBcdAlone(toHex(bytes), hidden)
  const count = emv.hidden.reduce((sum, [start, end]) => sum + end - start, 0) + hidden.size
  if (hidden.size === 0) return { value: bytes, hidden: count, sensitive }
  const characters = toHex(bytes).split('')
  // The nibble that ZVT, too, writes for a hidden digit.
  for (const at of hidden) characters[at] = 'e'
  return { value: Buffer.from(characters.join(''), 'hex'), hidden: count, sensitive }
}

function withoutElements(bytes: Uint8Array, emv: EmvFinding): Uint8Array {
  if (emv.hidden.length === 0) return bytes
  const copy = Uint8Array.from(bytes)
  for (const [start, end] of emv.hidden) copy.fill(0xee, start, end)
  return copy
}

function isPrintable(byte: number): boolean {
  return byte >= 0x20 && byte <= 0x7e
}

function holdsBinary(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += 1) if (!isPrintable(bytes[at] ?? 0)) return true
  return false
}

/** Numbers in the nibbles, at either half of a byte. */
function hideBcdInside(options: {
  readonly bytes: Uint8Array
  readonly nibbles: string
  readonly hidden: Set<number>
}): void {
  const { bytes, nibbles, hidden } = options
  const found = [...nibbles.matchAll(/\d{12,}/g)].flatMap(({ 0: digits, index }) => {
    const run = new DigitRun(digits)
    const whole = run.isCard(0, run.length, 'likely') ? [[0, run.length] as const] : []
    return [...run.cards('sure'), ...whole]
      .filter(([start, end]) => fillsBytes(nibbles, index + start, index + end))
      .map(([start, end]) => ({ index, start, end }))
  })
  const fieldOf = ({ index, start, end }: Omit<Hiding, 'hidden'>): Bytes => [
    (index + start) >> 1,
    (index + end + 1) >> 1,
  ]
  const isText = isTextAround(bytes, found.map(fieldOf))
  for (const one of found)
    if (isText ? isForeign(bytes, fieldOf(one)) : isBounded(bytes, fieldOf(one)))
      hideMiddle({ ...one, hidden })
}

/** Packed BCD fills whole bytes: what is left of them is 0 in front, and 0 or F behind. */
function fillsBytes(nibbles: string, from: number, to: number): boolean {
  const isFilledBefore = from % 2 === 0 || /[0a-f]/.test(nibbles[from - 1] ?? 'f')
  return isFilledBefore && (to % 2 === 0 || /[0a-f]/.test(nibbles[to] ?? 'f'))
}

type Bytes = readonly [start: number, end: number]

/** Of four bytes of a message in text at most one is none of text. */
const BINARY_SHARE = 0.25
/** A checksum, a mark at the beginning. */
const FRAMING_BYTES = 4

/** Whether the message is text but for these numbers. */
function isTextAround(bytes: Uint8Array, fields: readonly Bytes[]): boolean {
  const isNumber = new Uint8Array(bytes.length)
  for (const [start, end] of fields) isNumber.fill(1, start, end)
  const others = bytes.filter((_, at) => isNumber[at] === 0)
  const binaryCount = others.filter(byte => !isPrintable(byte)).length
  return binaryCount <= Math.max(FRAMING_BYTES, others.length * BINARY_SHARE)
}

/** Bytes of BCD in a text; what may be STX, ETX or a checksum at its edges does not count. */
function isForeign(bytes: Uint8Array, [start, end]: Bytes): boolean {
  return holdsBinary(bytes.subarray(Math.max(1, start), Math.min(bytes.length - 2, end)))
}

/** Its length stands before it, in bytes or as ZVT writes it, or no digits stand beside it. */
function isBounded(bytes: Uint8Array, [start, end]: Bytes): boolean {
  const before = bytes[start - 1]
  const size = end - start
  if (before === size || before === (0xf0 | (size % 10))) return true
  return !isBcd(before) && (!isBcd(bytes[end]) || !isBcd(bytes[end - 1]))
}

function isBcd(byte: number | undefined): boolean {
  return byte !== undefined && byte >> 4 < 10 && (byte & 0x0f) < 10
}

/** A number that is all there is, padded as BCD is. */
function hideBcdAlone(nibbles: string, hidden: Set<number>): void {
  const [, front = '', digits = ''] = /^(0?)([1-9]\d{11,18})f*$/.exec(nibbles) ?? []
  if (digits !== '' && new DigitRun(digits).isCard(0, digits.length, 'likely'))
    hideMiddle({ hidden, index: front.length, start: 0, end: digits.length })
}

interface Hiding {
  readonly hidden: Set<number>
  readonly index: number
  readonly start: number
  readonly end: number
}

function hideMiddle(options: Hiding): void {
  const { hidden, index, start, end } = options
  const { first, last } = keptOf(end - start)
  for (let at = start + first; at < end - last; at += 1) hidden.add(index + at)
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}
