import { z } from 'zod'
import { DelimitedFramer, encodeDelimited } from '../../line/framing/delimited.js'
import { oneMessage, type Protocol, type Reading } from '../protocol.js'
import { changesLink } from './changes-link.js'
import { plainDecimal, readShown, STATUS_OUTLINE, WEIGHT_OUTLINE } from './scale-reading.js'

export const continuousStGsSchema = z.strictObject({ type: z.literal('continuous-st-gs') })

const FRAMING = { type: 'delimited', delimiters: '0d0a', maxFrameBytes: 32 } as const
/** Stability, gross, net or tare, the weight, its unit. A&D leaves out the mode. */
const LINE =
  /^(ST|US|OL)(?:,(GS|NT|TR|G|N|T))?,\s*([+-]?)\s*(\d{1,8}(?:\.\d{0,6})?)? *([A-Za-z]{1,2})?\s*$/
/** An overload instead of digits: `+9999999`, blanks or dashes. */
const OVERLOAD = /^OL\b/

/**
 * A&D, CAS CI and others that send without being asked: only changes are journaled. A tare is no
 * weight. Source: CAS CI and A&D, standard format of continuous output.
 */
export function continuousStGs(): Protocol {
  return {
    messages: [
      WEIGHT_OUTLINE,
      STATUS_OUTLINE,
      {
        name: 'tare',
        fields: [
          { name: 'tare', type: 'decimal' },
          { name: 'unit', type: 'text', optional: true },
        ],
      },
    ],
    link: changesLink,
    createFramer: () => new DelimitedFramer(FRAMING),
    read,
    encode: (message, values) => encodeDelimited(FRAMING, Buffer.from(textOf(message, values))),
  }
}

function read(payload: Uint8Array): Reading {
  const text = Buffer.from(payload).toString('latin1')
  if (OVERLOAD.test(text))
    return oneMessage('status', { motion: false, over: true, negative: false, zero: false })
  const [, state, mode = 'GS', sign = '', digits, unit] = LINE.exec(text) ?? []
  if (state === undefined || digits === undefined)
    return { type: 'rejected', message: 'weight', issue: 'expected state, mode, weight and unit' }
  const weight = `${sign}${digits.replace(/\.$/, '')}`
  const named = unit === undefined ? {} : { unit }
  const tare = plainDecimal(weight)
  if (mode.startsWith('T') && tare !== undefined) return oneMessage('tare', { tare, ...named })
  return readShown({ weight, ...named, isNet: mode.startsWith('N'), isMoving: state === 'US' })
}

function textOf(message: string, values: Readonly<Record<string, unknown>>): string {
  const { weight, tare, unit = 'kg', net, motion, over } = values
  switch (message) {
    case 'weight':
    case 'status':
      if (over === true) return 'OL,GS,+99.999kg'
      return `${motion === true ? 'US' : 'ST'},${net === true ? 'NT' : 'GS'},+${weight}${unit}`
    case 'tare':
      return `ST,TR,+${tare}${unit}`
    default:
      throw new RangeError(`no message ${message}; there are weight, status, tare`)
  }
}
