import { toHex } from '../../core/bytes.js'
import { CHECKSUM_BYTES, CHECKSUM_NAMES, type ChecksumName } from '../../line/checksum/catalog.js'
import { type FramingOptions, framingSchema } from '../../line/framing/catalog.js'

const LENGTH_FORMS = [
  { lengthBytes: 1, encoding: 'binary', endian: 'big' },
  { lengthBytes: 2, encoding: 'binary', endian: 'big' },
  { lengthBytes: 2, encoding: 'binary', endian: 'little' },
  { lengthBytes: 1, encoding: 'bcd', endian: 'big' },
  { lengthBytes: 2, encoding: 'bcd', endian: 'big' },
  { lengthBytes: 2, encoding: 'decimal', endian: 'big' },
  { lengthBytes: 3, encoding: 'decimal', endian: 'big' },
  { lengthBytes: 4, encoding: 'decimal', endian: 'big' },
  { lengthBytes: 2, encoding: 'hex', endian: 'big' },
  { lengthBytes: 4, encoding: 'hex', endian: 'big' },
] as const

const DELIMITERS = ['0d0a', '0d', '0a', '03', '04', '00', '1a'] as const
/** Control bytes, and the marks in front of lines: # $ & : < @ [ { ~ */
const STARTS = [
  ...['02', '01', '16', '1002', 'aa', '55'],
  ...['23', '24', '26', '3a', '3c', '40', '5b', '7b', '7e'],
] as const
/** What stands between a text and its checksum: ETX, and # & * / : > ] | } ~ */
const ENDS = ['03', '23', '26', '2a', '2f', '3a', '3e', '5d', '7c', '7d', '7e'] as const
const TAILS = ['0d0a', '0d', '0a'] as const
const MAX_FRAME_BYTES = 4096
/** Of so many bursts most must come out right: a capture begins and ends in the middle. */
const ENOUGH = 0.8

/** Every framing of the catalogue that these bursts could be in. */
export function candidatesFor(bursts: readonly Uint8Array[]): readonly FramingOptions[] {
  return [
    ...stxEtx(bursts),
    ...delimited(bursts),
    ...lengthPrefixed(bursts),
    ...sums('binary').map(sum => framing({ type: 'idle-gap', ...sum })),
  ]
}

interface Sum {
  readonly checksum: ChecksumName | 'none'
  readonly checksumEndian?: 'big' | 'little'
  readonly checksumEncoding?: 'hex' | 'hex-lower'
}

/** Every way to write a checksum as bytes, none among them, or as digits. */
function sums(...encodings: readonly ('binary' | 'hex' | 'hex-lower')[]): readonly Sum[] {
  return encodings.flatMap(encoding => {
    const written = encoding === 'binary' ? {} : { checksumEncoding: encoding }
    const all = CHECKSUM_NAMES.flatMap((checksum): readonly Sum[] => {
      const big = { checksum, checksumEndian: 'big', ...written } as const
      const little = { ...big, checksumEndian: 'little' } as const
      return CHECKSUM_BYTES[checksum] === 1 ? [big] : [big, little]
    })
    return encoding === 'binary' ? [{ checksum: 'none' }, ...all] : all
  })
}

function bytesOf({ checksum, checksumEncoding }: Sum): number {
  const bytes = checksum === 'none' ? 0 : CHECKSUM_BYTES[checksum]
  return checksumEncoding === undefined ? bytes : 2 * bytes
}

function framing(given: Readonly<Record<string, unknown>>): FramingOptions {
  return framingSchema.parse({ maxFrameBytes: MAX_FRAME_BYTES, ...given })
}

function stxEtx(bursts: readonly Uint8Array[]): readonly FramingOptions[] {
  const plain = sums('binary').flatMap(sum => [
    framing({ type: 'stx-etx', dle: false, ...sum }),
    framing({ type: 'stx-etx', dle: true, ...sum }),
  ])
  if (!startsOf(bursts).includes('02')) return plain
  const others = sums('binary', 'hex', 'hex-lower').flatMap(sum =>
    [{}, ...endsIn(bursts, TAILS).map(tail => ({ tail }))].flatMap(tail =>
      RANGES.map(range => framing({ type: 'stx-etx', ...sum, ...tail, ...range })),
    ),
  )
  return [...plain, ...others]
}

const RANGES = [
  {},
  { checksumFrom: 'start' },
  { checksumTo: 'payload' },
  { checksumFrom: 'start', checksumTo: 'payload' },
] as const

function delimited(bursts: readonly Uint8Array[]): readonly FramingOptions[] {
  const starts = [undefined, ...startsOf(bursts)]
  const plain = DELIMITERS.flatMap(delimiters =>
    starts.map(start => framing({ type: 'delimited', delimiters, ...given({ start }) })),
  )
  return [...plain, ...endsIn(bursts, DELIMITERS).flatMap(end => checkedLines(bursts, end))]
}

/** Lines with a checksum of digits in front of their end. */
function checkedLines(
  bursts: readonly Uint8Array[],
  delimiters: string,
): readonly FramingOptions[] {
  const size = delimiters.length / 2
  const lines = bursts.map(burst => burst.subarray(0, -size))
  return sums('hex', 'hex-lower').flatMap(sum => {
    const digits = bytesOf(sum)
    if (!isMost(lines, line => /^[0-9A-Fa-f]+$/.test(latin1(line.subarray(-digits))))) return []
    const marks = endsIn(
      lines.map(line => line.subarray(0, -digits)),
      ENDS,
    )
    return [undefined, ...startsOf(bursts)].flatMap(start =>
      [undefined, ...marks].flatMap(end =>
        RANGES.filter(
          range =>
            (start !== undefined || !('checksumFrom' in range)) &&
            (end !== undefined || !('checksumTo' in range)),
        ).map(range =>
          framing({ type: 'delimited', delimiters, ...sum, ...given({ start, end }), ...range }),
        ),
      ),
    )
  })
}

/** Bytes that most bursts begin with. */
function startsOf(bursts: readonly Uint8Array[]): readonly string[] {
  return STARTS.filter(start => isMost(bursts, burst => toHex(burst).startsWith(start)))
}

function endsIn(bursts: readonly Uint8Array[], ends: readonly string[]): readonly string[] {
  return ends.filter(end => isMost(bursts, burst => toHex(burst.subarray(-end.length / 2)) === end))
}

function isMost(bursts: readonly Uint8Array[], isSo: (burst: Uint8Array) => boolean): boolean {
  const count = bursts.filter(isSo).length
  return count > 0 && count >= bursts.length * ENOUGH
}

/** Only those by whose lengths a burst is exactly so many frames, one behind the other. */
function lengthPrefixed(bursts: readonly Uint8Array[]): readonly FramingOptions[] {
  const found: FramingOptions[] = []
  const tails = [undefined, ...endsIn(bursts, TAILS)]
  for (const start of [undefined, ...startsOf(bursts)])
    for (const form of LENGTH_FORMS)
      for (const end of [undefined, ...ENDS])
        for (const tail of tails)
          for (const sumBytes of [0, 1, 2, 4])
            for (let adjust = -4; adjust <= 4; adjust += 1) {
              const marks = { start, end, tail }
              if (tiles(bursts, { ...marks, form, sumBytes, adjust }))
                found.push(...checked({ ...marks, form, sumBytes, adjust }))
            }
  return found
}

interface Shape {
  readonly start: string | undefined
  readonly end: string | undefined
  readonly tail: string | undefined
  readonly form: (typeof LENGTH_FORMS)[number]
  readonly sumBytes: number
  readonly adjust: number
}

/** The shape with every checksum of its size, over everything that it may cover. */
function checked({ form, sumBytes, adjust, ...marks }: Shape): readonly FramingOptions[] {
  const shape = { type: 'length-prefixed', ...form, adjust, ...given(marks) }
  const encodings =
    form.encoding === 'decimal' || form.encoding === 'hex'
      ? (['binary', 'hex', 'hex-lower'] as const)
      : (['binary'] as const)
  return sums(...encodings)
    .filter(sum => bytesOf(sum) === sumBytes)
    .flatMap(sum => rangesOf(sum, marks).map(range => framing({ ...shape, ...sum, ...range })))
}

/** What a checksum may cover, where it makes a difference. */
function rangesOf(
  { checksum }: Sum,
  { start, end }: Pick<Shape, 'start' | 'end'>,
): readonly Readonly<Record<string, string>>[] {
  if (checksum === 'none') return [{ checksumFrom: 'length' }]
  const froms = start === undefined ? ['length', 'payload'] : ['length', 'start', 'payload']
  const tos = end === undefined ? [{}] : [{}, { checksumTo: 'payload' }]
  return froms.flatMap(checksumFrom => tos.map(to => ({ checksumFrom, ...to })))
}

/** What is there of it. */
function given(options: Readonly<Record<string, string | undefined>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

function tiles(bursts: readonly Uint8Array[], shape: Shape): boolean {
  return isMost(bursts, burst => {
    let at = 0
    while (at < burst.length) {
      const size = sizeAt(burst, { at, shape })
      if (size === 0 || at + size > burst.length) return false
      at += size
    }
    return true
  })
}

/** The frame that begins there is so long; 0: none does. */
function sizeAt(
  burst: Uint8Array,
  { at, shape }: { readonly at: number; readonly shape: Shape },
): number {
  const { start = '', end = '', tail = '', form, sumBytes, adjust } = shape
  const from = at + start.length / 2
  const field = burst.subarray(from, from + form.lengthBytes)
  const isText = form.encoding === 'decimal' || form.encoding === 'hex'
  const ordered = form.endian === 'little' ? field.toReversed() : field
  const digits = isText ? latin1(ordered) : toHex(ordered)
  const isDecimal = form.encoding === 'decimal' || form.encoding === 'bcd'
  const isNumber = (isDecimal ? /^\d+$/ : /^[0-9A-Fa-f]+$/).test(digits)
  if (field.length < form.lengthBytes || !isNumber) return 0
  const length = Number.parseInt(digits, isDecimal ? 10 : 16) + adjust
  const closing = at + start.length / 2 + form.lengthBytes + length
  const isClosed = toHex(burst.subarray(closing, closing + end.length / 2)) === end
  if (length < 1 || !isClosed) return 0
  return closing - at + end.length / 2 + sumBytes + tail.length / 2
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
