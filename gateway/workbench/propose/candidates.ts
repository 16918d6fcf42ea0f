import { toHex } from '../../core/bytes.js'
import { CHECKSUM_BYTES, CHECKSUM_NAMES, type ChecksumName } from '../../line/checksum/catalog.js'
import { type FramingOptions, framingSchema } from '../../line/framing/catalog.js'

const LENGTH_FORMS = [
  { lengthBytes: 1, encoding: 'binary', endian: 'big' },
  { lengthBytes: 2, encoding: 'binary', endian: 'big' },
  { lengthBytes: 2, encoding: 'binary', endian: 'little' },
  { lengthBytes: 1, encoding: 'bcd', endian: 'big' },
  { lengthBytes: 2, encoding: 'bcd', endian: 'big' },
] as const

const DELIMITERS = ['0d0a', '0d', '0a', '03', '04', '00', '1a'] as const
const STARTS = ['02', '01', '16', '1002', 'aa', '55'] as const
const MAX_FRAME_BYTES = 4096
/** Of so many bursts most must come out right: a capture begins and ends in the middle. */
const ENOUGH = 0.8

/** Every framing of the catalogue that these bursts could be in. */
export function candidatesFor(bursts: readonly Uint8Array[]): readonly FramingOptions[] {
  return [
    ...stxEtx(),
    ...delimited(bursts),
    ...lengthPrefixed(bursts),
    ...trailers().map(trailer => framing({ type: 'idle-gap', ...trailer })),
  ]
}

type Trailer =
  | { readonly checksum: 'none' }
  | { readonly checksum: ChecksumName; readonly checksumEndian: 'big' | 'little' }

function trailers(): readonly Trailer[] {
  const sums = CHECKSUM_NAMES.flatMap((checksum): readonly Trailer[] => {
    const big = { checksum, checksumEndian: 'big' } as const
    return CHECKSUM_BYTES[checksum] === 1 ? [big] : [big, { checksum, checksumEndian: 'little' }]
  })
  return [{ checksum: 'none' }, ...sums]
}

function framing(given: Readonly<Record<string, unknown>>): FramingOptions {
  return framingSchema.parse({ maxFrameBytes: MAX_FRAME_BYTES, ...given })
}

function stxEtx(): readonly FramingOptions[] {
  return trailers().flatMap(trailer => [
    framing({ type: 'stx-etx', dle: false, ...trailer }),
    framing({ type: 'stx-etx', dle: true, ...trailer }),
  ])
}

function delimited(bursts: readonly Uint8Array[]): readonly FramingOptions[] {
  const starts = [undefined, ...startsOf(bursts)]
  return DELIMITERS.flatMap(delimiters =>
    starts.map(start =>
      framing({ type: 'delimited', delimiters, ...(start === undefined ? {} : { start }) }),
    ),
  )
}

/** Bytes that most bursts begin with, where they are no text. */
function startsOf(bursts: readonly Uint8Array[]): readonly string[] {
  return STARTS.filter(start => {
    const beginning = bursts.filter(burst => toHex(burst).startsWith(start))
    return beginning.length > 0 && beginning.length >= bursts.length * ENOUGH
  })
}

/** Only those by whose lengths a burst is exactly so many frames, one behind the other. */
function lengthPrefixed(bursts: readonly Uint8Array[]): readonly FramingOptions[] {
  const found: FramingOptions[] = []
  for (const start of [undefined, ...startsOf(bursts)])
    for (const form of LENGTH_FORMS)
      for (const end of [undefined, '03'])
        for (const trailer of [0, 1, 2])
          for (let adjust = -4; adjust <= 4; adjust += 1) {
            const head = (start ?? '').length / 2
            const sizeOf = (burst: Uint8Array, at: number): number => {
              const field = burst.subarray(at + head, at + head + form.lengthBytes)
              const digits = toHex(form.endian === 'little' ? field.toReversed() : field)
              const isNumber = form.encoding === 'binary' || /^\d+$/.test(digits)
              if (field.length < form.lengthBytes || !isNumber) return 0
              const length = Number.parseInt(digits, form.encoding === 'bcd' ? 10 : 16) + adjust
              const around = head + form.lengthBytes + (end === undefined ? 0 : 1) + trailer
              return length < 1 ? 0 : length + around
            }
            if (!tiles(bursts, sizeOf)) continue
            const shape = {
              type: 'length-prefixed',
              ...form,
              adjust,
              ...(start === undefined ? {} : { start }),
              ...(end === undefined ? {} : { end }),
            }
            for (const sum of trailers())
              if ((sum.checksum === 'none' ? 0 : CHECKSUM_BYTES[sum.checksum]) === trailer)
                for (const checksumFrom of rangesOf({ ...sum, start }))
                  found.push(framing({ ...shape, ...sum, checksumFrom }))
          }
  return found
}

/** What a checksum may cover, where it makes a difference. */
function rangesOf(frame: {
  readonly checksum: ChecksumName | 'none'
  readonly start: string | undefined
}): readonly string[] {
  if (frame.checksum === 'none') return ['length']
  return frame.start === undefined ? ['length', 'payload'] : ['length', 'start', 'payload']
}

function tiles(
  bursts: readonly Uint8Array[],
  sizeOf: (burst: Uint8Array, at: number) => number,
): boolean {
  const fitting = bursts.filter(burst => {
    let at = 0
    while (at < burst.length) {
      const size = sizeOf(burst, at)
      if (size === 0 || at + size > burst.length) return false
      at += size
    }
    return true
  })
  return fitting.length > 0 && fitting.length >= bursts.length * ENOUGH
}
