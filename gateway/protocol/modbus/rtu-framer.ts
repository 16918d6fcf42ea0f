import { concatBytes } from '../../core/bytes.js'
import {
  BufferedFramer,
  type FinalVerdict,
  type Verdict,
} from '../../line/framing/buffered-framer.js'
import type { DiscardReason } from '../../line/framing/framer.js'
import { MOST_RTU_BYTES, openRtu } from './adu.js'
import { type Direction, pduBytes } from './pdu-size.js'

const CRC_BYTES = 2

/** What stands at the front, taken for a message in one direction. */
type Candidate =
  | { readonly type: 'whole'; readonly size: number; readonly message: Uint8Array }
  | { readonly type: 'more' }
  | { readonly type: 'none'; readonly reason: DiscardReason }

/**
 * Frames of Modbus RTU, by the length that their function says and by their CRC: neither Linux nor
 * a USB adapter keeps the silences of 3.5 characters that the specification tells frames by. What
 * is no frame goes byte by byte.
 *
 * `replies`: a frame is an answer, with its question before it where that was heard, too, as from
 * an adapter that hears itself. A payload is what was heard, without the CRCs.
 */
export class RtuFramer extends BufferedFramer {
  readonly #hears: 'requests' | 'replies'
  readonly #unit: number | undefined

  /** `unit`: no other device's frames are taken. */
  constructor(options: { readonly hears: 'requests' | 'replies'; readonly unit?: number }) {
    super(2 * MOST_RTU_BYTES)
    this.#hears = options.hears
    this.#unit = options.unit
  }

  protected override judge(buffer: Uint8Array): Verdict {
    return this.#judge(buffer, false)
  }

  protected override judgeSilent(buffer: Uint8Array): FinalVerdict {
    const verdict = this.#judge(buffer, true)
    return verdict.type === 'wait' ? { type: 'discard', size: 1, reason: 'idle' } : verdict
  }

  // An answer is looked for first: one in 65 536 answers passes for a question at its eighth byte.
  #judge(buffer: Uint8Array, isSilent: boolean): Verdict {
    if (this.#unit !== undefined && buffer[0] !== this.#unit)
      return { type: 'discard', size: this.#bytesBeforeUnit(buffer), reason: 'noise' }
    if (this.#hears === 'replies') {
      const reply = candidate(buffer, 'reply')
      if (reply.type === 'whole') return frameOf(reply)
      if (reply.type === 'more' && !isSilent) return { type: 'wait', doubtful: 1 }
    }
    const request = candidate(buffer, 'request')
    if (request.type === 'more') return { type: 'wait', doubtful: 1 }
    if (request.type === 'none') return { type: 'discard', size: 1, reason: request.reason }
    if (this.#hears === 'requests') return frameOf(request)
    return withAnswer(request, { after: buffer.subarray(request.size), isSilent })
  }

  #bytesBeforeUnit(buffer: Uint8Array): number {
    const at = buffer.indexOf(this.#unit ?? 0)
    return at < 0 ? buffer.length : at
  }
}

function frameOf({ size, message }: Extract<Candidate, { type: 'whole' }>): Verdict {
  return { type: 'frame', size, payload: message }
}

function withAnswer(
  request: Extract<Candidate, { type: 'whole' }>,
  { after, isSilent }: { readonly after: Uint8Array; readonly isSilent: boolean },
): Verdict {
  const [unit, code] = request.message
  const [heardUnit = unit, heardCode = code] = after
  const isAnswer = heardUnit === unit && (heardCode === code || heardCode === (code ?? 0) + 0x80)
  const reply = isAnswer ? candidate(after, 'reply') : undefined
  if (reply?.type === 'more' && !isSilent) return { type: 'wait', doubtful: 1 }
  if (reply?.type !== 'whole') return frameOf(request)
  const payload = concatBytes([request.message, reply.message])
  return { type: 'frame', size: request.size + reply.size, payload }
}

function candidate(buffer: Uint8Array, direction: Direction): Candidate {
  if (buffer.length < 2) return { type: 'more' }
  const size = pduBytes(buffer.subarray(1, MOST_RTU_BYTES), direction)
  const total = typeof size === 'number' ? 1 + size + CRC_BYTES : 0
  if (size === 'unknown' || total > MOST_RTU_BYTES) return { type: 'none', reason: 'noise' }
  // An identification whose objects go on and on says its length nowhere.
  if (size === 'more' && buffer.length >= MOST_RTU_BYTES) return { type: 'none', reason: 'noise' }
  if (size === 'more' || buffer.length < total) return { type: 'more' }
  const message = openRtu(buffer.subarray(0, total))
  if (message === undefined) return { type: 'none', reason: 'checksum' }
  return { type: 'whole', size: total, message }
}
