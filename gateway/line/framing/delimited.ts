import { z } from 'zod'
import { concatBytes, equalBytes, fromHex } from '../../core/bytes.js'
import { CHECKSUM_NAMES } from '../checksum/catalog.js'
import { BufferedFramer, type Verdict } from './buffered-framer.js'
import type { FramerOutput } from './framer.js'
import { checksumTo, hexBytes, maxFrameBytes } from './framing-field.js'
import { bytesBefore, indexOfSequence } from './sequence.js'
import { makeTrailer, type Trailer, trailerBytes } from './trailer.js'

/**
 * Text up to a delimiter, such as a line; with `start`, what stands before that is noise. With a
 * checksum: `start payload end checksum delimiter`, where `end` may be absent.
 */
export const delimitedSchema = z.strictObject({
  type: z.literal('delimited'),
  /**
   * Any of them ends a frame; the first is the one written. `"0d0a"` is CR LF as one terminator, so
   * that a lone CR is data; `["0d", "0a"]` takes CR, LF and CR LF alike. Where there is no `start`,
   * a frame without payload is noise: the LF after a CR is not a second, empty scan.
   */
  delimiters: z
    .union([hexBytes, z.array(hexBytes).min(1).max(8)])
    .refine(isPrefixFree, 'one delimiter begins with another, which already ends the frame'),
  start: hexBytes.exactOptional(),
  /** Written as digits (`hex` unless said): a byte of it could be a delimiter. */
  checksum: z.enum(CHECKSUM_NAMES).exactOptional(),
  checksumEncoding: z.enum(['hex', 'hex-lower']).exactOptional(),
  checksumEndian: z.enum(['big', 'little']).exactOptional(),
  /** What it covers: the payload, and where `checksumFrom` says so what begins the frame. */
  checksumFrom: z.enum(['start', 'payload']).exactOptional(),
  checksumTo,
  end: hexBytes.exactOptional(),
  maxFrameBytes,
})

export type DelimitedOptions = z.infer<typeof delimitedSchema>

export function encodeDelimited(options: DelimitedOptions, payload: Uint8Array): Uint8Array {
  const [delimiter = ''] = listOf(options.delimiters)
  const body = concatBytes([fromHex(options.start ?? ''), payload, fromHex(options.end ?? '')])
  const sum = makeTrailer(trailerOf(options), coveredIn(options, body))
  return concatBytes([body, sum, fromHex(delimiter)])
}

function trailerOf(options: DelimitedOptions): Trailer {
  return {
    checksum: options.checksum ?? 'none',
    checksumEndian: options.checksumEndian ?? 'big',
    checksumEncoding: options.checksumEncoding ?? 'hex',
  }
}

/** Of a frame from its start to its end mark, what the checksum covers. */
function coveredIn(options: DelimitedOptions, body: Uint8Array): Uint8Array {
  const from = options.checksumFrom === 'start' ? 0 : (options.start ?? '').length / 2
  const end = options.checksumTo === 'payload' ? (options.end ?? '').length / 2 : 0
  return body.subarray(from, Math.max(from, body.length - end))
}

export class DelimitedFramer extends BufferedFramer {
  readonly #options: DelimitedOptions
  readonly #start: Uint8Array
  readonly #end: Uint8Array
  readonly #delimiters: readonly Uint8Array[]
  /** Bytes kept back while looking for a delimiter that may be split between two chunks. */
  readonly #keptBytes: number
  /** A frame was too long: the rest of it, up to its delimiter, must not pass for a frame. */
  #isSkipping = false

  constructor(options: DelimitedOptions) {
    super(options.maxFrameBytes)
    this.#options = options
    this.#start = fromHex(options.start ?? '')
    this.#end = fromHex(options.end ?? '')
    this.#delimiters = listOf(options.delimiters).map(fromHex)
    this.#keptBytes = Math.max(1, ...this.#delimiters.map(delimiter => delimiter.length - 1))
  }

  override idle(): readonly FramerOutput[] {
    const outputs = super.idle()
    this.#isSkipping = false
    return outputs
  }

  protected override judge(buffer: Uint8Array): Verdict {
    if (this.#isSkipping) return this.#skip(buffer)
    const hasStart = this.#start.length > 0
    const noise = hasStart ? bytesBefore(buffer, this.#start) : 0
    if (noise > 0) return { type: 'discard', size: noise, reason: 'noise' }
    const window = buffer.subarray(0, this.maxFrameBytes)
    const end = this.#findDelimiter(window, this.#start.length)
    const body = end === undefined ? window : window.subarray(0, end.at)
    const restart = hasStart
      ? indexOfSequence(body, { sequence: this.#start, from: this.#start.length })
      : -1
    if (restart > 0) return { type: 'discard', size: restart, reason: 'noise' }
    if (end !== undefined) {
      const isEmptyLine = body.length === 0 && !hasStart
      if (isEmptyLine) return { type: 'discard', size: end.behind, reason: 'noise' }
      const payload = this.#payloadOf(body)
      // Whole: of the rests that are left without its first bytes one in 256 would pass.
      return payload === undefined
        ? { type: 'discard', size: end.behind, reason: 'checksum' }
        : { type: 'frame', size: end.behind, payload }
    }
    if (buffer.length < this.maxFrameBytes) return { type: 'wait', doubtful: buffer.length }
    if (hasStart) return { type: 'discard', size: 1, reason: 'too-long' }
    this.#isSkipping = true
    return this.#skip(buffer)
  }

  /** What stands between start and end mark; undefined where mark or checksum are wrong. */
  #payloadOf(body: Uint8Array): Uint8Array | undefined {
    const trailer = trailerOf(this.#options)
    const closedAt = body.length - trailerBytes(trailer)
    const payloadEnd = closedAt - this.#end.length
    if (payloadEnd < this.#start.length) return undefined
    const covered = coveredIn(this.#options, body.subarray(0, closedAt))
    const isSound =
      equalBytes(body.subarray(payloadEnd, closedAt), this.#end) &&
      equalBytes(body.subarray(closedAt), makeTrailer(trailer, covered))
    return isSound ? body.subarray(this.#start.length, payloadEnd) : undefined
  }

  // A byte always stays until the delimiter: while something is buffered the owner's idle timer
  // runs.
  #skip(buffer: Uint8Array): Verdict {
    const end = this.#findDelimiter(buffer, 0)
    if (end !== undefined) {
      this.#isSkipping = false
      return { type: 'discard', size: end.behind, reason: 'too-long' }
    }
    const size = buffer.length - this.#keptBytes
    if (size <= 0) return { type: 'wait', doubtful: buffer.length }
    return { type: 'discard', size, reason: 'too-long' }
  }

  #findDelimiter(
    bytes: Uint8Array,
    from: number,
  ): { readonly at: number; readonly behind: number } | undefined {
    const found = this.#delimiters
      .map(sequence => ({ at: indexOfSequence(bytes, { sequence, from }), size: sequence.length }))
      .filter(({ at }) => at >= 0)
      .map(({ at, size }) => ({ at, behind: at + size }))
    return found.sort((left, right) => left.at - right.at)[0]
  }
}

function listOf(delimiters: string | readonly string[]): readonly string[] {
  return typeof delimiters === 'string' ? [delimiters] : delimiters
}

function isPrefixFree(delimiters: string | readonly string[]): boolean {
  const list = listOf(delimiters).map(delimiter => delimiter.toLowerCase())
  return list.every((one, index) =>
    list.every((other, otherIndex) => index === otherIndex || !one.startsWith(other)),
  )
}
