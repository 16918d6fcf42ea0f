import { z } from 'zod'
import { concatBytes, equalBytes } from '../../core/bytes.js'
import { BufferedFramer, type Verdict } from './buffered-framer.js'
import { checksumFields, checksumTo, controls, maxFrameBytes } from './framing-field.js'
import { makeTrailer, trailerBytes } from './trailer.js'

const STX = 0x02
const ETX = 0x03

/**
 * `STX payload ETX checksum`: the checksum covers the payload and the ETX, not the STX, unless
 * `checksumFrom` and `checksumTo` say otherwise (not with `dle`).
 */
export const stxEtxSchema = z.strictObject({
  type: z.literal('stx-etx'),
  /** Markers written `10 02` and `10 03`, and every 10 of the payload twice: see `DleFramer`. */
  dle: z.boolean().default(false),
  ...checksumFields,
  checksumFrom: z.enum(['start', 'payload']).exactOptional(),
  checksumTo,
  controls,
  maxFrameBytes,
})

export type StxEtxOptions = z.infer<typeof stxEtxSchema>

export function encodeStxEtx(options: StxEtxOptions, payload: Uint8Array): Uint8Array {
  const frame = concatBytes([Uint8Array.of(STX), payload, Uint8Array.of(ETX)])
  return concatBytes([frame, makeTrailer(options, coveredIn(options, frame))])
}

/** Of a frame from its STX to its ETX, what the checksum covers. */
function coveredIn(options: StxEtxOptions, frame: Uint8Array): Uint8Array {
  const from = options.checksumFrom === 'start' ? 0 : 1
  return frame.subarray(from, options.checksumTo === 'payload' ? -1 : frame.length)
}

/** The plain variant, whose payload can hold neither STX nor ETX. */
export class StxEtxFramer extends BufferedFramer {
  readonly #options: StxEtxOptions

  constructor(options: StxEtxOptions) {
    super(options.maxFrameBytes)
    this.#options = options
  }

  protected override judge(buffer: Uint8Array): Verdict {
    const start = buffer.indexOf(STX)
    if (start !== 0)
      return { type: 'discard', size: start < 0 ? buffer.length : start, reason: 'noise' }
    const window = buffer.subarray(0, this.maxFrameBytes - trailerBytes(this.#options))
    // An STX inside a frame means its ETX was hit on the wire; the XOR of two merged frames can
    // still match.
    const restart = window.indexOf(STX, 1)
    const end = (restart < 0 ? window : window.subarray(0, restart)).indexOf(ETX)
    if (end < 0 && restart > 0) return { type: 'discard', size: restart, reason: 'noise' }
    const size = (end < 0 ? buffer.length : end) + 1 + trailerBytes(this.#options)
    // Drop only the STX, never the length the bad frame claims: a good frame may start right behind
    // it.
    if (size > this.maxFrameBytes) return { type: 'discard', size: 1, reason: 'too-long' }
    if (size > buffer.length) return { type: 'wait', doubtful: buffer.length }
    const covered = coveredIn(this.#options, buffer.subarray(0, end + 1))
    if (!equalBytes(makeTrailer(this.#options, covered), buffer.subarray(end + 1, size)))
      return { type: 'discard', size: 1, reason: 'checksum' }
    return { type: 'frame', size, payload: buffer.subarray(1, end) }
  }
}
