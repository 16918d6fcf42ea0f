import { z } from 'zod'
import { placePoint } from '../../codec/decimal.js'
import { DelimitedFramer, encodeDelimited } from '../../line/framing/delimited.js'
import type { Framer } from '../../line/framing/framer.js'
import type { Link } from '../../line/link/link.js'
import type { Protocol, Reading } from '../protocol.js'
import { pollingFields, pollScale } from './polling.js'
import { readShown, readStatus, STATUS_OUTLINE, WEIGHT_OUTLINE } from './scale-reading.js'

/** What a scale on this protocol is asked and how its digits are meant. */
export const toledo8217Schema = z.strictObject({
  type: z.literal('toledo-8217'),
  ...pollingFields,
  /** Decimals of a weight that is sent without a point. */
  impliedDecimals: z.int().min(0).max(5).default(3),
})

type Options = z.output<typeof toledo8217Schema>

const FRAMING = { type: 'delimited', start: '02', delimiters: '0d', maxFrameBytes: 16 } as const
/** `W`: send the weight. */
const REQUEST = '57'
/** Five or six digits, a point anywhere among them or none; `N` behind a net weight. */
const WEIGHT = /^(?=[\d.]{5,7}N?$)(\d+(?:\.\d+)?)(N?)$/
/** `?` and a byte of which bits 5 and 6 are set: 60 to 6f. */
const STATUS = /^\?([\x60-\x6f])$/
const MOTION = 1
const OVER = 2
const NEGATIVE = 4
const ZERO = 8

/**
 * Mettler-Toledo 8217 and its many imitations: a weight where it is stable, positive and in range,
 * else a status. Source: goncalomb/scale2pos, tw-vw-protocols-v5.pdf, section 6.
 */
export class Toledo8217 implements Protocol {
  readonly messages = [WEIGHT_OUTLINE, STATUS_OUTLINE]
  readonly link: Link<unknown>
  readonly #impliedDecimals: number

  constructor(options: Options) {
    const { everyMs, replyWithinMs, impliedDecimals } = options
    this.#impliedDecimals = impliedDecimals
    this.link = pollScale({ request: REQUEST, everyMs, replyWithinMs })
  }

  createFramer(): Framer {
    return new DelimitedFramer(FRAMING)
  }

  read(payload: Uint8Array): Reading {
    const text = Buffer.from(payload).toString('latin1')
    const [, digits, net] = WEIGHT.exec(text) ?? []
    if (digits !== undefined) {
      const placed = placePoint(digits, this.#impliedDecimals)
      return readShown({ weight: placed.ok ? placed.value : digits, isNet: net === 'N' })
    }
    const [, status] = STATUS.exec(text) ?? []
    if (status === undefined)
      return text.startsWith('?')
        ? { type: 'rejected', message: 'status', issue: 'expected a byte of 60 to 6f' }
        : { type: 'rejected', message: 'weight', issue: 'expected five or six digits' }
    const bits = status.charCodeAt(0)
    return readStatus({
      motion: (bits & MOTION) !== 0,
      over: (bits & OVER) !== 0,
      negative: (bits & NEGATIVE) !== 0,
      zero: (bits & ZERO) !== 0,
    })
  }

  encode(message: string, values: Readonly<Record<string, unknown>>): Uint8Array {
    return encodeDelimited(FRAMING, Buffer.from(textOf(message, values), 'latin1'))
  }
}

function textOf(message: string, values: Readonly<Record<string, unknown>>): string {
  switch (message) {
    case 'weight':
      return weightText(values)
    case 'status':
      return statusText(values)
    default:
      throw new RangeError(`no message ${message}; there are weight, status`)
  }
}

function weightText({ weight, net }: Readonly<Record<string, unknown>>): string {
  const text = `${weight}${net === true ? 'N' : ''}`
  if (!WEIGHT.test(text)) throw new RangeError('weight: expected five or six digits')
  return text
}

function statusText(values: Readonly<Record<string, unknown>>): string {
  const bit = (name: string, mask: number): number => (values[name] === true ? mask : 0)
  const bits =
    bit('motion', MOTION) | bit('over', OVER) | bit('negative', NEGATIVE) | bit('zero', ZERO)
  return `?${String.fromCharCode(0x60 | bits)}`
}
