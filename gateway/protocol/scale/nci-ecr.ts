import { z } from 'zod'
import { concatBytes } from '../../core/bytes.js'
import { BufferedFramer, type Verdict } from '../../line/framing/buffered-framer.js'
import { oneMessage, type Protocol, type Reading } from '../protocol.js'
import { pollingFields, pollScale } from './polling.js'
import { readShown, readStatus, STATUS_OUTLINE, WEIGHT_OUTLINE } from './scale-reading.js'

export const nciEcrSchema = z.strictObject({ type: z.literal('nci-ecr'), ...pollingFields })

const LF = 0x0a
const ETX = 0x03
const MAX_FRAME_BYTES = 24
/** `W` CR: send the weight. */
const REQUEST = '570d'
/**
 * The weight and its unit, where they were asked for, and the status; without `S` as NCIGEN writes
 * it. A bit of the second status byte says that a third one follows.
 */
const REPLY =
  /^\n(?:([\d.-]{6,7}) ?([A-Z]{2})\r\n)?S?([\x30-\x3f])([\x30-\x3f]|[\x70-\x7f][\x30-\x7f])\r$/
/** What was asked for is unknown; some scales write an ETX behind it. */
const UNKNOWN = '\n?\r'
const MOTION = 1
const ZERO = 2
const NEGATIVE = 1
const OVER = 2

/**
 * NCI, in its variants ECR and GEN, also spoken as TPV 7. Sources: goncalomb/scale2pos,
 * tw-vw-protocols-v5.pdf, sections 4 and 7.
 */
export function nciEcr(options: z.output<typeof nciEcrSchema>): Protocol {
  const { everyMs, replyWithinMs } = options
  return {
    messages: [WEIGHT_OUTLINE, STATUS_OUTLINE, { name: 'unknown-request', fields: [] }],
    link: pollScale({ request: REQUEST, everyMs, replyWithinMs }),
    createFramer: () => new NciFramer(MAX_FRAME_BYTES),
    read,
    encode,
  }
}

/** LF and ETX frame it, but a weight has a second LF inside. */
class NciFramer extends BufferedFramer {
  protected override judge(buffer: Uint8Array): Verdict {
    const start = buffer.indexOf(LF)
    if (start !== 0)
      return { type: 'discard', size: start < 0 ? buffer.length : start, reason: 'noise' }
    const window = buffer.subarray(0, this.maxFrameBytes)
    if (textOf(window.subarray(0, UNKNOWN.length)) === UNKNOWN)
      return { type: 'frame', size: UNKNOWN.length, payload: window.subarray(0, UNKNOWN.length) }
    const end = window.indexOf(ETX) + 1
    if (end === 0 && window.length < this.maxFrameBytes) return { type: 'wait', doubtful: 1 }
    const payload = window.subarray(0, Math.max(0, end - 1))
    if (!REPLY.test(textOf(payload))) return { type: 'discard', size: 1, reason: 'noise' }
    return { type: 'frame', size: end, payload }
  }
}

function read(payload: Uint8Array): Reading {
  const text = textOf(payload)
  if (text === UNKNOWN) return oneMessage('unknown-request', {})
  const [, weight, unit = '', first = '', second = ''] = REPLY.exec(text) ?? []
  if (first === '') return { type: 'rejected', issue: 'expected a weight, a status or both' }
  const [motion, zero] = [hasBit(first, MOTION), hasBit(first, ZERO)]
  const [negative, over] = [hasBit(second, NEGATIVE), hasBit(second, OVER)]
  if (weight === undefined) return readStatus({ motion, zero, negative, over })
  return readShown({ weight, unit, isMoving: motion, isOver: over, isNegative: negative })
}

function hasBit(status: string, bit: number): boolean {
  return (status.charCodeAt(0) & bit) !== 0
}

function encode(message: string, values: Readonly<Record<string, unknown>>): Uint8Array {
  const { weight, unit = 'kg', motion, zero, negative, over } = values
  const bit = (value: unknown, bits: number): number => (value === true ? bits : 0)
  const first = String.fromCharCode(0x30 | bit(motion, MOTION) | bit(zero, ZERO))
  const second = String.fromCharCode(0x30 | bit(negative, NEGATIVE) | bit(over, OVER))
  const shown = weight === undefined ? '' : `\n${weight}${String(unit).toUpperCase()}\r`
  const text = `${shown}\nS${first}${second}\r`
  switch (message) {
    case 'weight':
    case 'status':
      if (!REPLY.test(text)) throw new RangeError('weight: expected six characters')
      return concatBytes([Buffer.from(text, 'latin1'), Uint8Array.of(ETX)])
    case 'unknown-request':
      return Buffer.from(UNKNOWN, 'latin1')
    default:
      throw new RangeError(`no message ${message}; there are weight, status, unknown-request`)
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
