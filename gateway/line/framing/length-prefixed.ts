import { z } from 'zod'
import { ByteReader, concatBytes, equalBytes, fromHex, toHex } from '../../core/bytes.js'
import { BufferedFramer, type Verdict } from './buffered-framer.js'
import { checksumFields, controls, hexBytes, maxFrameBytes } from './framing-field.js'
import { bytesBefore } from './sequence.js'
import { makeTrailer, trailerBytes } from './trailer.js'

/** `start length payload end checksum`, where start, end and checksum may be absent. */
export const lengthPrefixedSchema = z.strictObject({
  type: z.literal('length-prefixed'),
  start: hexBytes.exactOptional(),
  lengthBytes: z.literal([1, 2, 4]),
  endian: z.enum(['big', 'little']).default('big'),
  /** `bcd`: two decimal digits a byte, as the EDC protocols of South-East Asia count. */
  encoding: z.enum(['binary', 'bcd']).default('binary'),
  /** Bytes of payload = the length as sent + adjust: -1 where the length counts itself, say. */
  adjust: z.int().min(-16).max(16).default(0),
  ...checksumFields,
  checksum: checksumFields.checksum.default('none'),
  /** What the checksum covers: from here up to itself. */
  checksumFrom: z.enum(['start', 'length', 'payload']).default('length'),
  end: hexBytes.exactOptional(),
  controls,
  maxFrameBytes,
})

export type LengthPrefixedOptions = z.infer<typeof lengthPrefixedSchema>

export function encodeLengthPrefixed(
  options: LengthPrefixedOptions,
  payload: Uint8Array,
): Uint8Array {
  const start = fromHex(options.start ?? '')
  const length = encodeLength(options, payload.length - options.adjust)
  const body = concatBytes([start, length, payload, fromHex(options.end ?? '')])
  return concatBytes([body, makeTrailer(options, body.subarray(coveredFrom(options)))])
}

export class LengthPrefixedFramer extends BufferedFramer {
  readonly #options: LengthPrefixedOptions
  readonly #start: Uint8Array
  readonly #end: Uint8Array

  constructor(options: LengthPrefixedOptions) {
    super(options.maxFrameBytes)
    this.#options = options
    this.#start = fromHex(options.start ?? '')
    this.#end = fromHex(options.end ?? '')
  }

  // Whatever is wrong, one byte goes and no more: a wrong length must not take good frames with it.
  protected override judge(buffer: Uint8Array): Verdict {
    const noise = this.#start.length > 0 ? bytesBefore(buffer, this.#start) : 0
    if (noise > 0) return { type: 'discard', size: noise, reason: 'noise' }
    const header = this.#start.length + this.#options.lengthBytes
    if (buffer.length < header) return { type: 'wait', doubtful: 1 }
    const length = decodeLength(this.#options, buffer.subarray(this.#start.length, header))
    if (length === undefined) return { type: 'discard', size: 1, reason: 'noise' }
    const payloadEnd = header + length
    const end = payloadEnd + this.#end.length
    const size = end + trailerBytes(this.#options)
    if (size > this.maxFrameBytes) return { type: 'discard', size: 1, reason: 'too-long' }
    if (size > buffer.length) return { type: 'wait', doubtful: 1 }
    const expected = makeTrailer(this.#options, buffer.subarray(coveredFrom(this.#options), end))
    const isSound =
      equalBytes(buffer.subarray(payloadEnd, end), this.#end) &&
      equalBytes(buffer.subarray(end, size), expected)
    if (!isSound) return { type: 'discard', size: 1, reason: 'checksum' }
    return { type: 'frame', size, payload: buffer.subarray(header, payloadEnd) }
  }
}

function coveredFrom(options: LengthPrefixedOptions): number {
  const startBytes = (options.start ?? '').length / 2
  switch (options.checksumFrom) {
    case 'start':
      return 0
    case 'length':
      return startBytes
    case 'payload':
      return startBytes + options.lengthBytes
  }
}

/** Bytes of payload; undefined where the field holds no length. */
function decodeLength(options: LengthPrefixedOptions, field: Uint8Array): number | undefined {
  const ordered = options.endian === 'big' ? field : field.toReversed()
  const digits = toHex(ordered)
  if (options.encoding === 'bcd' && !/^\d+$/.test(digits)) return undefined
  const value =
    options.encoding === 'bcd' ? Number(digits) : new ByteReader(ordered).uintBE(field.length)
  const payloadBytes = value + options.adjust
  return payloadBytes < 0 ? undefined : payloadBytes
}

/** @throws RangeError where the length does not fit its field. */
function encodeLength(options: LengthPrefixedOptions, value: number): Uint8Array {
  const digits = value.toString(options.encoding === 'bcd' ? 10 : 16)
  if (value < 0 || digits.length > options.lengthBytes * 2)
    throw new RangeError(`a length of ${value} does not fit ${options.lengthBytes} bytes`)
  const field = fromHex(digits.padStart(options.lengthBytes * 2, '0'))
  return options.endian === 'big' ? field : field.toReversed()
}
