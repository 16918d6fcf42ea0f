import { z } from 'zod'
import { hasValidCheckDigit } from '../../codec/check-digit.js'
import { placePoint } from '../../codec/decimal.js'
import { DelimitedFramer, encodeDelimited } from '../../line/framing/delimited.js'
import type { Framer } from '../../line/framing/framer.js'
import { encodeStxEtx, StxEtxFramer } from '../../line/framing/stx-etx.js'
import type { Link } from '../../line/link/link.js'
import type { PollLink, PollState } from '../../line/link/poll.js'
import {
  type FieldOutline,
  type MessageOutline,
  oneMessage,
  type Protocol,
  type Reading,
} from '../protocol.js'
import { pollingFields, pollScale } from './polling.js'

export const magellanSchema = z.strictObject({
  type: z.literal('magellan'),
  ...pollingFields,
  /** A lost answer stops the conversation: it is asked again after so long. */
  replyWithinMs: pollingFields.replyWithinMs.default(1000),
  /** `ncr`: STX and ETX around it, and no `S` in front. */
  variant: z.enum(['magellan', 'ncr']).default('magellan'),
  /** As the device is set up: 0.01 lb or 0.001 kg. */
  unit: z.enum(['lb', 'kg']).default('lb'),
  impliedDecimals: z.int().min(0).max(4).default(2),
})

type Options = z.output<typeof magellanSchema>

const LINE = { type: 'delimited', delimiters: '0d', maxFrameBytes: 256 } as const
const ENVELOPE = {
  type: 'stx-etx',
  dle: false,
  checksum: 'none',
  checksumEndian: 'big',
  maxFrameBytes: 256,
} as const

const SCANNED: readonly FieldOutline[] = [
  { name: 'symbology', type: 'text' },
  { name: 'aim', type: 'text' },
  { name: 'data', type: 'text' },
]
const MESSAGES: readonly MessageOutline[] = [
  {
    name: 'weight',
    fields: [
      { name: 'weight', type: 'decimal' },
      { name: 'unit', type: 'text' },
      { name: 'digits', type: 'digits' },
    ],
  },
  { name: 'status', fields: [{ name: 'state', type: 'text' }] },
  /** Its digits end in a check digit. */
  { name: 'article', fields: SCANNED },
  { name: 'code', fields: SCANNED },
]

const STATES: Readonly<Record<string, string>> = {
  0: 'not-ready',
  1: 'motion',
  2: 'over',
  3: 'zero',
  5: 'under-zero',
}
/** `11`: the stable weight that was waited for; `144`: the one that lies there now. */
const WEIGHT = /^1(?:1|44)(\d{4,5})$/
const STATE = /^14([01235])$/
const SCAN = /^08/

/** Codes as the device names them; the longer names first. */
const CODES: readonly {
  readonly prefix: string
  readonly symbology: string
  readonly aim: string
  /** How many digits it has, the last of them the check digit. */
  readonly digits?: number
}[] = [
  { prefix: 'FF', symbology: 'EAN-8', aim: 'E4', digits: 8 },
  { prefix: 'A', symbology: 'UPC-A', aim: 'E0', digits: 12 },
  { prefix: 'F', symbology: 'EAN-13', aim: 'E0', digits: 13 },
  { prefix: 'E', symbology: 'UPC-E', aim: 'E0' },
  { prefix: 'R', symbology: 'GS1 DataBar', aim: 'e0' },
  { prefix: 'B1', symbology: 'Code 39', aim: 'A0' },
  { prefix: 'B2', symbology: 'ITF', aim: 'I0' },
  { prefix: 'B3', symbology: 'Code 128', aim: 'C0' },
]

/**
 * A scanner-scale on one cable, as Datalogic's Magellan and NCR's speak: it is asked for its state,
 * and codes come in between whenever something is scanned. Source: Datalogic, single cable
 * interface; CORE-POS/IS4C, SPH_Magellan_Scale.cs.
 */
export function magellan(options: Options): Protocol {
  const { everyMs, replyWithinMs, variant } = options
  const request = encodeText('S14', variant)
  return {
    messages: MESSAGES,
    link: scansBetween(
      pollScale({ request: Buffer.from(request).toString('hex'), everyMs, replyWithinMs }),
    ),
    createFramer: (): Framer =>
      variant === 'ncr' ? new StxEtxFramer(ENVELOPE) : new DelimitedFramer(LINE),
    read: payload => read(payload, options),
    encode: (message, values) => encodeText(textOf(message, values), variant),
  }
}

function encodeText(text: string, variant: Options['variant']): Uint8Array {
  const bytes = Buffer.from(variant === 'ncr' ? text.slice(1) : text, 'latin1')
  return variant === 'ncr' ? encodeStxEtx(ENVELOPE, bytes) : encodeDelimited(LINE, bytes)
}

/** A scan is no answer to the poll, and is never left out as a repeat. */
function scansBetween(poll: PollLink): Link<PollState> {
  return {
    initial: poll.initial,
    answers: poll.answers,
    next: (state, input) => {
      const isScan =
        input.type === 'framed' &&
        input.output.type === 'frame' &&
        SCAN.test(bodyOf(input.output.payload))
      if (!isScan || input.output.type !== 'frame') return poll.next(state, input)
      const { payload, raw } = input.output
      return { state, effects: [{ type: 'deliver', payload, raw }] }
    },
  }
}

function bodyOf(payload: Uint8Array): string {
  return Buffer.from(payload).toString('latin1').replace(/^S/, '')
}

function read(payload: Uint8Array, options: Options): Reading {
  const body = bodyOf(payload)
  if (SCAN.test(body)) return readScan(body.slice(2))
  const [, state = ''] = STATE.exec(body) ?? []
  const named = STATES[state]
  if (named !== undefined) return oneMessage('status', { state: named })
  const [, digits = ''] = WEIGHT.exec(body) ?? []
  const placed = placePoint(digits, options.impliedDecimals)
  if (!placed.ok)
    return { type: 'rejected', message: 'weight', issue: 'expected a scan, a weight or a state' }
  if (!/[1-9]/.test(digits)) return oneMessage('status', { state: 'zero' })
  return oneMessage('weight', { weight: placed.value, unit: options.unit, digits })
}

function readScan(text: string): Reading {
  const code = CODES.find(({ prefix, digits }) => {
    const length = text.length - prefix.length
    return text.startsWith(prefix) && (digits === undefined || length === digits)
  })
  if (code === undefined)
    return { type: 'rejected', message: 'code', issue: 'expected a code of a known kind' }
  const data = text.slice(code.prefix.length)
  const { symbology, aim, digits } = code
  if (data === '') return { type: 'rejected', message: 'code', issue: 'expected data' }
  if (digits === undefined) return oneMessage('code', { symbology, aim, data })
  if (!hasValidCheckDigit(data))
    return { type: 'rejected', message: 'article', issue: 'expected a valid check digit' }
  return oneMessage('article', { symbology, aim, data })
}

function textOf(message: string, values: Readonly<Record<string, unknown>>): string {
  const { digits, state, symbology, data } = values
  switch (message) {
    case 'weight':
      return `S144${digits}`
    case 'status': {
      const code = Object.keys(STATES).find(key => STATES[key] === state)
      if (code === undefined)
        throw new RangeError(`state: expected one of ${Object.values(STATES).join(', ')}`)
      return `S14${code}`
    }
    case 'article':
    case 'code': {
      const code = CODES.find(one => one.symbology === symbology)
      if (code === undefined) throw new RangeError('symbology: expected one that the device names')
      return `S08${code.prefix}${data}`
    }
    default:
      throw new RangeError(`no message ${message}; there are weight, status, article, code`)
  }
}
