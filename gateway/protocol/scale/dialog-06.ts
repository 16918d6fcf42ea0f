import { z } from 'zod'
import { placePoint } from '../../codec/decimal.js'
import type { Verdict } from '../../line/framing/buffered-framer.js'
import { encodeStxEtx } from '../../line/framing/stx-etx.js'
import type { Link, LinkEffect } from '../../line/link/link.js'
import type { PollLink, PollState } from '../../line/link/poll.js'
import { unsolicitedLink } from '../../line/link/unsolicited.js'
import { type MessageOutline, oneMessage, type Protocol, type Reading } from '../protocol.js'
import { pollingFields, pollScale } from './polling.js'
import { TokenFramer } from './token-framer.js'

export const dialog06Schema = z.strictObject({
  type: z.literal('dialog-06'),
  ...pollingFields,
  /**
   * `listen`: on the line between till and scale, as nearly every scale needs it. `ask`: the
   * gateway takes the till's place, where a scale gives its weight without price and checksum.
   */
  mode: z.enum(['listen', 'ask']).default('listen'),
})

const STX = 0x02
const ETX = 0x03
const EOT = 0x04
const ENQ = 0x05
const ACK = 0x06
const NAK = 0x15
const ESC = '\x1b'
const MAX_FRAME_BYTES = 64
/** EOT ENQ: give your result. */
const REQUEST = '0405'

const MESSAGES: readonly MessageOutline[] = [
  {
    name: 'weight',
    fields: [
      { name: 'weight', type: 'decimal' },
      { name: 'unit', type: 'text' },
      { name: 'price', type: 'digits' },
      { name: 'amount', type: 'digits' },
    ],
  },
  {
    name: 'status',
    fields: [
      { name: 'code', type: 'digits' },
      { name: 'state', type: 'text' },
    ],
  },
  { name: 'checksum-wanted', fields: [{ name: 'step', type: 'text' }] },
  { name: 'request', fields: [{ name: 'record', type: 'digits' }] },
  { name: 'control', fields: [{ name: 'control', type: 'text' }] },
]

const CONTROLS: Readonly<Record<number, string>> = {
  [EOT]: 'EOT',
  [ENQ]: 'ENQ',
  [ACK]: 'ACK',
  [NAK]: 'NAK',
}

const STATES: Readonly<Record<string, string>> = {
  '00': 'ok',
  '01': 'general error',
  '02': 'parity error',
  10: 'bad record',
  11: 'bad price',
  12: 'bad tare',
  13: 'bad text',
  20: 'motion',
  21: 'not moved since the last weighing',
  22: 'not finished',
  30: 'below minimum',
  31: 'below zero',
  32: 'over',
}

const CHECKSUM_STEPS: Readonly<Record<string, string>> = {
  0: 'refused',
  1: 'accepted',
  2: 'challenge',
}

/** What a till says: prices, tares, texts, a status request, checksums. */
const REQUESTS: ReadonlySet<string> = new Set(['01', '03', '04', '05', '08', '10'])

/**
 * Checkout-Dialog 06 of Mettler-Toledo. A legal-for-trade scale answers only tills that know its
 * secret polynomial: beside them it is read by listening. Source: METTLER TOLEDO,
 * Checkout-Dialog 06.
 */
export function dialog06(options: z.output<typeof dialog06Schema>): Protocol {
  const { everyMs, replyWithinMs, mode } = options
  return {
    messages: MESSAGES,
    link:
      mode === 'listen'
        ? unsolicitedLink
        : closingEach(pollScale({ request: REQUEST, everyMs, replyWithinMs })),
    createFramer: () =>
      new TokenFramer({
        tokens: [EOT, ENQ, ACK, NAK],
        start: STX,
        maxFrameBytes: MAX_FRAME_BYTES,
        judgeFrame,
      }),
    read,
    encode,
  }
}

function judgeFrame(window: Uint8Array): Verdict {
  const restart = window.indexOf(STX, 1)
  const end = window.indexOf(ETX)
  if (restart > 0 && (end < 0 || restart < end))
    return { type: 'discard', size: restart, reason: 'noise' }
  if (end > 0) return { type: 'frame', size: end + 1, payload: window.subarray(1, end) }
  if (window.length >= MAX_FRAME_BYTES) return { type: 'discard', size: 1, reason: 'too-long' }
  return { type: 'wait', doubtful: window.length }
}

/** Every answer of the scale is closed with EOT. */
function closingEach(poll: PollLink): Link<PollState> {
  const close: LinkEffect = { type: 'write', bytes: Uint8Array.of(EOT) }
  return {
    initial: poll.initial,
    answers: poll.answers,
    next: (state, input) => {
      const step = poll.next(state, input)
      const isAnswer = input.type === 'framed' && input.output.type === 'frame'
      return isAnswer ? { state: step.state, effects: [close, ...step.effects] } : step
    },
  }
}

function read(payload: Uint8Array): Reading {
  const control = payload.length === 1 ? CONTROLS[payload[0] ?? 0] : undefined
  if (control !== undefined) return oneMessage('control', { control })
  const [record = '', ...fields] = Buffer.from(payload).toString('latin1').split(ESC)
  const [first = ''] = fields
  if (record === '02') return readResult(fields)
  if (record === '09' && /^\d\d$/.test(first))
    return oneMessage('status', { code: first, state: STATES[first] ?? 'unknown' })
  const step = record === '11' ? CHECKSUM_STEPS[first.charAt(0)] : undefined
  if (step !== undefined) return oneMessage('checksum-wanted', { step })
  if (REQUESTS.has(record)) return oneMessage('request', { record })
  return { type: 'rejected', issue: 'expected a record of Dialog 06' }
}

/** The kind of price, the weight in grams, the price, the amount. */
function readResult(fields: readonly string[]): Reading {
  const [kind = '', grams = '', price = '', amount = ''] = fields
  const isWhole =
    fields.length === 4 &&
    /^\d$/.test(kind) &&
    /^\d{5}$/.test(grams) &&
    /^\d{12}$/.test(price + amount)
  const placed = placePoint(grams, 3)
  if (!isWhole || !placed.ok || !/[1-9]/.test(grams))
    return { type: 'rejected', message: 'weight', issue: 'expected weight, price and amount' }
  return oneMessage('weight', { weight: placed.value, unit: 'kg', price, amount })
}

function encode(message: string, values: Readonly<Record<string, unknown>>): Uint8Array {
  const { grams, price, amount, code, record, step, control } = values
  switch (message) {
    case 'weight':
      return recordOf(['02', '3', String(grams), String(price), String(amount)])
    case 'status':
      return recordOf(['09', String(code)])
    case 'request':
      return recordOf([String(record)])
    case 'checksum-wanted':
      return recordOf(['11', String(step)])
    case 'control': {
      const byte = Object.keys(CONTROLS).find(key => CONTROLS[Number(key)] === control)
      return Uint8Array.of(Number(byte ?? EOT))
    }
    default:
      throw new RangeError(`no message ${message} in Dialog 06`)
  }
}

function recordOf(fields: readonly string[]): Uint8Array {
  const framing = {
    type: 'stx-etx',
    dle: false,
    checksum: 'none',
    checksumEndian: 'big',
    maxFrameBytes: MAX_FRAME_BYTES,
  } as const
  return encodeStxEtx(framing, Buffer.from(fields.join(ESC), 'latin1'))
}
