import { z } from 'zod'
import { ByteReader, concatBytes, equalBytes, fromHex, toHex } from '../../core/bytes.js'
import { BufferedFramer, type Verdict } from './buffered-framer.js'
import { checksumFields, checksumTo, controls, hexBytes, maxFrameBytes } from './framing-field.js'
import { bytesBefore } from './sequence.js'
import { makeTrailer, trailerBytes } from './trailer.js'

/** `start length payload end checksum`, where start, end and checksum may be absent. */
export const lengthPrefixedSchema = z.strictObject({
  type: z.literal('length-prefixed'),
  start: hexBytes.exactOptional(),
  lengthBytes: z.literal([1, 2, 3, 4]),
  endian: z.enum(['big', 'little']).default('big'),
  /**
   * `bcd`: two decimal digits a byte, as the EDC protocols of South-East Asia count; `decimal` and
   * `hex`: text, a digit a byte ("0024").
   */
  encoding: z.enum(['binary', 'bcd', 'decimal', 'hex']).default('binary'),
  /** Bytes of payload = the length as sent + adjust: -1 where the length counts itself, say. */
  adjust: z.int().min(-16).max(16).default(0),
  ...checksumFields,
  checksum: checksumFields.checksum.default('none'),
  /** What the checksum covers: from here, and with `end` unless `checksumTo` is `payload`. */
  checksumFrom: z.enum(['start', 'length', 'payload']).default('length'),
  checksumTo,
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
  const body = concatBytes([start, length, payload])
  const closed = concatBytes([body, fromHex(options.end ?? '')])
  const covered = options.checksumTo === 'payload' ? body : closed
  return concatBytes([closed, makeTrailer(options, covered.subarray(coveredFrom(options)))])
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
    const to = this.#options.checksumTo === 'payload' ? payloadEnd : end
    const covered = buffer.subarray(coveredFrom(this.#options), to)
    const isSound =
      equalBytes(buffer.subarray(payloadEnd, end), this.#end) &&
      equalBytes(buffer.subarray(end, size), makeTrailer(this.#options, covered))
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
  const value = numberIn(options.encoding, ordered)
  const payloadBytes = value === undefined ? -1 : value + options.adjust
  return payloadBytes < 0 ? undefined : payloadBytes
}

function numberIn(
  encoding: LengthPrefixedOptions['encoding'],
  field: Uint8Array,
): number | undefined {
  const text = Buffer.from(field).toString('latin1')
  switch (encoding) {
    case 'binary':
      return new ByteReader(field).uintBE(field.length)
    case 'bcd':
      return /^\d+$/.test(toHex(field)) ? Number(toHex(field)) : undefined
    case 'decimal':
      return /^\d+$/.test(text) ? Number(text) : undefined
    case 'hex':
      return /^[0-9A-Fa-f]+$/.test(text) ? Number.parseInt(text, 16) : undefined
  }
}

/** @throws RangeError where the length does not fit its field. */
function encodeLength(options: LengthPrefixedOptions, value: number): Uint8Array {
  const { encoding, lengthBytes } = options
  const isText = encoding === 'decimal' || encoding === 'hex'
  const room = isText ? lengthBytes : lengthBytes * 2
  const digits = value.toString(encoding === 'bcd' || encoding === 'decimal' ? 10 : 16)
  if (value < 0 || digits.length > room)
    throw new RangeError(`a length of ${value} does not fit ${lengthBytes} bytes`)
  const padded = digits.toUpperCase().padStart(room, '0')
  const field = isText ? Uint8Array.from(Buffer.from(padded)) : fromHex(padded)
  return options.endian === 'big' ? field : field.toReversed()
}
