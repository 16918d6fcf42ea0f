import { z } from 'zod'
import { concatBytes } from '../../core/bytes.js'
import { lrc } from '../../line/checksum/lrc.js'
import { oneMessage, type Protocol, type Reading } from '../protocol.js'
import { HandshakeLink } from './handshake-link.js'
import { pollingFields, pollScale } from './polling.js'
import { readShown, readStatus, STATUS_OUTLINE, WEIGHT_OUTLINE } from './scale-reading.js'
import { judgeFixed, TokenFramer } from './token-framer.js'

export const casTedc1Schema = z.strictObject({ type: z.literal('cas-tedc1'), ...pollingFields })

const SOH = 0x01
const STX = 0x02
const ETX = 0x03
const EOT = 0x04
const ENQ = '05'
const ACK = 0x06
const DC1 = 0x11
const NAK = 0x15
/** SOH STX, ten characters of data, BCC, ETX EOT. */
const FRAME_BYTES = 15
const BCC_AT = 12

/** Status, sign, six characters of weight, two of unit. */
const DATA = /^([SU])([ F-])([\d.]{6}|F{6})(kg|lb)$/i

/**
 * CAS scales on TEDC1, also AP and PD-II: ENQ, ACK, DC1 within three seconds, and the weight with
 * an XOR over its data. Source: goncalomb/scale2pos, tw-vw-protocols-v5.pdf, section 5.
 */
export function casTedc1(options: z.output<typeof casTedc1Schema>): Protocol {
  const { everyMs, replyWithinMs } = options
  return {
    messages: [WEIGHT_OUTLINE, STATUS_OUTLINE, { name: 'not-now', fields: [] }],
    link: new HandshakeLink({
      poll: pollScale({ request: ENQ, everyMs, replyWithinMs }),
      ready: Uint8Array.of(ACK),
      request: Uint8Array.of(DC1),
      replyWithinMs,
    }),
    createFramer: () =>
      new TokenFramer({ tokens: [ACK, NAK], start: SOH, maxFrameBytes: FRAME_BYTES, judgeFrame }),
    read,
    encode,
  }
}

function judgeFrame(window: Uint8Array) {
  return judgeFixed(window, {
    size: FRAME_BYTES,
    payload: [2, BCC_AT],
    marks: { 0: SOH, 1: STX, 13: ETX, 14: EOT },
    checksum: bytes => lrc(bytes.subarray(2, BCC_AT)) === bytes[BCC_AT],
  })
}

function read(payload: Uint8Array): Reading {
  const text = Buffer.from(payload).toString('latin1')
  if (payload.length === 1) return oneMessage('not-now', {})
  const [, state, sign, weight = '', unit = ''] = DATA.exec(text) ?? []
  if (state === undefined)
    return { type: 'rejected', message: 'weight', issue: 'expected status, sign, weight and unit' }
  const isMoving = state.toUpperCase() === 'U'
  if (sign === 'F' || weight.startsWith('F')) return readStatus({ motion: isMoving, over: true })
  return readShown({ weight: `${sign === '-' ? '-' : ''}${weight}`, unit, isMoving })
}

function encode(message: string, values: Readonly<Record<string, unknown>>): Uint8Array {
  const { weight = '00.000', unit = 'kg', motion, over, negative } = values
  switch (message) {
    case 'weight':
    case 'status': {
      const shown = over === true ? 'FFFFFFF' : `${negative === true ? '-' : ' '}${weight}`
      const text = `${motion === true ? 'U' : 'S'}${shown}${unit}`
      if (!DATA.test(text)) throw new RangeError('weight: expected six characters')
      const data = Buffer.from(text, 'latin1')
      return concatBytes([Uint8Array.of(SOH, STX), data, Uint8Array.of(lrc(data), ETX, EOT)])
    }
    case 'not-now':
      return Uint8Array.of(NAK)
    default:
      throw new RangeError(`no message ${message}; there are weight, status, not-now`)
  }
}
