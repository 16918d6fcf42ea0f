import { z } from 'zod'
import { placePoint } from '../../codec/decimal.js'
import { concatBytes, toHex } from '../../core/bytes.js'
import { lrc } from '../../line/checksum/lrc.js'
import { DelimitedFramer, encodeDelimited } from '../../line/framing/delimited.js'
import { oneMessage, type Protocol, type Reading } from '../protocol.js'
import { changesLink } from './changes-link.js'
import { pollingFields, pollScale } from './polling.js'
import { pointlessWeight, readShown, STATUS_OUTLINE, WEIGHT_OUTLINE } from './scale-reading.js'

export const tisaSchema = z.strictObject({
  type: z.literal('tisa'),
  ...pollingFields,
  /** It is asked by telling it this unit price; without one it speaks by itself (VD TISA). */
  price: z
    .string()
    .regex(/^\d{5}$/)
    .exactOptional(),
  /** Decimals of the weight, which is sent without a point. */
  impliedDecimals: z.int().min(0).max(5).default(3),
})

const FRAMING = { type: 'delimited', delimiters: '0d0a', maxFrameBytes: 32 } as const
const PRICE = /^98(\d{5})$/
/** The state of the weight, the weight, the state of the amount, the amount. */
const WEIGHT = /^99([01])(\d{5})([01])(\d{6})$/

/** TISA: an XOR over all characters before it. Source: goncalomb/scale2pos, section 10. */
export function tisa(options: z.output<typeof tisaSchema>): Protocol {
  const { everyMs, replyWithinMs, price, impliedDecimals } = options
  return {
    messages: [
      WEIGHT_OUTLINE,
      STATUS_OUTLINE,
      { name: 'price', fields: [{ name: 'price', type: 'digits' }] },
    ],
    link:
      price === undefined
        ? changesLink
        : pollScale({ request: toHex(frameOf(`98${price}`)), everyMs, replyWithinMs }),
    createFramer: () => new DelimitedFramer(FRAMING),
    read: payload => read(payload, impliedDecimals),
    encode: (message, values) =>
      frameOf(textOf({ message, values, places: { decimals: impliedDecimals, digits: 5 } })),
  }
}

function read(payload: Uint8Array, impliedDecimals: number): Reading {
  const covered = payload.subarray(0, -1)
  if (payload.at(-1) !== lrc(covered)) return { type: 'rejected', issue: 'checksum' }
  const text = Buffer.from(covered).toString('latin1')
  const [, price] = PRICE.exec(text) ?? []
  if (price !== undefined) return oneMessage('price', { price })
  const [, state, digits = ''] = WEIGHT.exec(text) ?? []
  const placed = placePoint(digits, impliedDecimals)
  if (!placed.ok)
    return { type: 'rejected', message: 'weight', issue: 'expected 98 or 99 and its digits' }
  // Its error says no more than that this is no weight: moving, negative, zero or overload.
  return readShown({ weight: placed.value, isMoving: state === '1' })
}

function textOf(options: {
  readonly message: string
  readonly values: Readonly<Record<string, unknown>>
  readonly places: { readonly decimals: number; readonly digits: number }
}): string {
  const { message, values, places } = options
  const { weight = '0.000', amount = '000000', price } = values
  switch (message) {
    case 'weight':
      return `990${pointlessWeight(weight, places)}0${amount}`
    case 'status':
      return `991${pointlessWeight(weight, places)}1${amount}`
    case 'price':
      return `98${price}`
    default:
      throw new RangeError(`no message ${message}; there are weight, status, price`)
  }
}

function frameOf(text: string): Uint8Array {
  const data = Buffer.from(text, 'latin1')
  return encodeDelimited(FRAMING, concatBytes([data, Uint8Array.of(lrc(data))]))
}
