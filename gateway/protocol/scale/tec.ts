import { z } from 'zod'
import { placePoint } from '../../codec/decimal.js'
import { concatBytes } from '../../core/bytes.js'
import { lrc } from '../../line/checksum/lrc.js'
import { oneMessage, type Protocol, type Reading } from '../protocol.js'
import { HandshakeLink } from './handshake-link.js'
import { pollingFields, pollScale } from './polling.js'
import {
  pointlessWeight,
  readShown,
  readStatus,
  STATUS_OUTLINE,
  WEIGHT_OUTLINE,
} from './scale-reading.js'
import { judgeFixed, TokenFramer } from './token-framer.js'

export const tecSchema = z.strictObject({
  type: z.literal('tec'),
  ...pollingFields,
  /** Decimals of the weight, which is sent without a point. */
  impliedDecimals: z.int().min(0).max(5).default(3),
})

const STX = 0x02
const ETX = 0x03
const ENQ = '05'
const ACK = 0x06
const BEL = 0x07
const FF = 0x0c
/** STX, the scale's kind, five digits, BCC, ETX. */
const FRAME_BYTES = 9
const BCC_AT = 7
/** The kinds of scales, by capacity, or nothing. */
const KINDS = '\0ABCG'
/** The kind that says zero or negative. */
const NOTHING = '\x7f'

/**
 * TEC: ENQ is answered with ACK where the weight is stable, else BEL; FF asks for it.
 * Source: goncalomb/scale2pos, tw-vw-protocols-v5.pdf, section 8.
 */
export function tec(options: z.output<typeof tecSchema>): Protocol {
  const { everyMs, replyWithinMs, impliedDecimals } = options
  return {
    messages: [WEIGHT_OUTLINE, STATUS_OUTLINE, { name: 'ready', fields: [] }],
    link: new HandshakeLink({
      poll: pollScale({ request: ENQ, everyMs, replyWithinMs }),
      ready: Uint8Array.of(ACK),
      request: Uint8Array.of(FF),
      replyWithinMs,
    }),
    createFramer: () =>
      new TokenFramer({ tokens: [ACK, BEL], start: STX, maxFrameBytes: FRAME_BYTES, judgeFrame }),
    read: payload => read(payload, impliedDecimals),
    encode: (message, values) => encode({ message, values, decimals: impliedDecimals }),
  }
}

function judgeFrame(window: Uint8Array) {
  return judgeFixed(window, {
    size: FRAME_BYTES,
    payload: [1, BCC_AT],
    marks: { 0: STX, 8: ETX },
    checksum: bytes => lrc(bytes.subarray(1, BCC_AT)) === bytes[BCC_AT],
  })
}

function read(payload: Uint8Array, impliedDecimals: number): Reading {
  if (payload.length === 1)
    return payload[0] === ACK ? oneMessage('ready', {}) : readStatus({ motion: true })
  const text = Buffer.from(payload).toString('latin1')
  if (text[0] === NOTHING) return readStatus({ zero: true })
  const placed = placePoint(text.slice(1), impliedDecimals)
  if (!placed.ok || text.length !== 6 || !KINDS.includes(text.charAt(0)))
    return { type: 'rejected', message: 'weight', issue: 'expected the kind and five digits' }
  return readShown({ weight: placed.value })
}

function encode(options: {
  readonly message: string
  readonly values: Readonly<Record<string, unknown>>
  readonly decimals: number
}): Uint8Array {
  const { message, values, decimals } = options
  const { weight, motion } = values
  switch (message) {
    case 'ready':
      return Uint8Array.of(ACK)
    case 'status':
      return motion === true ? Uint8Array.of(BEL) : frameOf(`${NOTHING}00000`)
    case 'weight':
      return frameOf(`A${pointlessWeight(weight, { decimals, digits: 5 })}`)
    default:
      throw new RangeError(`no message ${message}; there are weight, status, ready`)
  }
}

function frameOf(text: string): Uint8Array {
  const data = Buffer.from(text, 'latin1')
  return concatBytes([Uint8Array.of(STX), data, Uint8Array.of(lrc(data), ETX)])
}
