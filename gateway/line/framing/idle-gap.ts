import { z } from 'zod'
import { concatBytes, equalBytes } from '../../core/bytes.js'
import { BufferedFramer, type FinalVerdict, type Verdict } from './buffered-framer.js'
import { checksumFields, maxFrameBytes } from './framing-field.js'
import { makeTrailer, trailerBytes } from './trailer.js'

/** A frame is what came before a silence, as in Modbus RTU; its checksum, if any, stands last. */
export const idleGapSchema = z.strictObject({
  type: z.literal('idle-gap'),
  ...checksumFields,
  checksum: checksumFields.checksum.default('none'),
  maxFrameBytes,
})

export type IdleGapOptions = z.infer<typeof idleGapSchema>

export function encodeIdleGap(options: IdleGapOptions, payload: Uint8Array): Uint8Array {
  return concatBytes([payload, makeTrailer(options, payload)])
}

export class IdleGapFramer extends BufferedFramer {
  readonly #options: IdleGapOptions
  #isTooLong = false

  constructor(options: IdleGapOptions) {
    super(options.maxFrameBytes)
    this.#options = options
  }

  // Of a frame that is too long one byte stays: while something is buffered the idle timer runs.
  protected override judge(buffer: Uint8Array): Verdict {
    this.#isTooLong ||= buffer.length > this.maxFrameBytes
    return this.#isTooLong && buffer.length > 1
      ? { type: 'discard', size: buffer.length - 1, reason: 'too-long' }
      : { type: 'wait', doubtful: buffer.length }
  }

  protected override judgeSilent(buffer: Uint8Array): FinalVerdict {
    const size = buffer.length
    if (this.#isTooLong) {
      this.#isTooLong = false
      return { type: 'discard', size, reason: 'too-long' }
    }
    const payloadBytes = size - trailerBytes(this.#options)
    if (payloadBytes <= 0) return { type: 'discard', size, reason: 'noise' }
    const payload = buffer.subarray(0, payloadBytes)
    return equalBytes(makeTrailer(this.#options, payload), buffer.subarray(payloadBytes))
      ? { type: 'frame', size, payload }
      : { type: 'discard', size, reason: 'checksum' }
  }
}
