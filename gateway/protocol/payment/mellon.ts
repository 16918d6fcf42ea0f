import { z } from 'zod'
import { isoCurrency, isoNumber } from '../../codec/currency-number.js'
import { currencyPlaces } from '../../core/money.js'
import { fail, ok, type Result } from '../../core/result.js'
import { parseJson, parseWith } from '../../core/schema.js'
import { createFramer, encodeFrame, framingSchema } from '../../line/framing/catalog.js'
import type { Framer } from '../../line/framing/framer.js'
import type { Link } from '../../line/link/link.js'
import { unsolicitedLink } from '../../line/link/unsolicited.js'
import type { MessageOutline, Protocol, Reading } from '../protocol.js'
import {
  currencyOption,
  given,
  minorUnits,
  type PaymentFields,
  paymentMessages,
  paymentReading,
  unreadApproval,
  unwritten,
} from './payment-messages.js'
import { readMoment } from './smart-sale-message.js'

/** Mellon ECR over TCP. Source: ECR-MELLON-INTEGRATION 1.00B in arbdoescode/ECR-POS (MIT). */
export const mellonSchema = z.strictObject({
  type: z.literal('mellon'),
  currency: currencyOption('EUR'),
})

type Options = z.output<typeof mellonSchema>

const FRAMING = framingSchema.parse({
  type: 'length-prefixed',
  lengthBytes: 2,
  maxFrameBytes: 8192,
})
/** Sender, variant, version, type; the fields follow. */
const HEAD = /^(ECR|MEL)(\d\d)(\d\d)([A-Z])\/([\s\S]*)$/
/** Free text and a printed receipt run to the end, slashes and all. */
const TO_THE_END: ReadonlySet<string> = new Set(['M', 'P'])
const APPROVED = '00'

export interface MellonMessage {
  readonly isFromTill: boolean
  readonly type: string
  /** What stands behind each letter; of echoes and errors the text itself, as ''. */
  readonly fields: ReadonlyMap<string, string>
}

export function readMellon(payload: Uint8Array): Result<MellonMessage, string> {
  const text = Buffer.from(payload).toString('latin1')
  const [, sender, , , type = '', body = ''] = HEAD.exec(text) ?? []
  if (sender === undefined) return fail('expected ECR or MEL, variant, version and type')
  const fields = new Map<string, string>()
  const isText = type === 'X' || type === 'E'
  let rest = isText ? body.replace(/^([^/]*)/, ' $1') : body
  while (rest !== '') {
    const letter = rest.slice(0, 1)
    const slash = TO_THE_END.has(letter) ? -1 : rest.indexOf('/')
    const end = slash < 0 ? rest.length : slash
    if (fields.has(letter)) return fail(`the field ${letter} stands twice`)
    fields.set(letter.trim(), rest.slice(1, end))
    rest = rest.slice(end + 1)
  }
  return ok({ isFromTill: sender === 'ECR', type, fields })
}

/** `amount:currency:exponent` of a request, `amount` of its confirmation. */
export function mellonAmount(fields: ReadonlyMap<string, string>): {
  readonly amount: number | undefined
  readonly currency: string | undefined
  readonly exponent: number | undefined
} {
  const [amount, currency, exponent] = fields.get('F')?.split(':') ?? []
  return { amount: minorUnits(amount), currency, exponent: minorUnits(exponent) }
}

/** What an approval adds to its code. */
export interface MellonResult {
  readonly cardScheme: string
  readonly card: string
  readonly amount: number | undefined
  /** What the card pays: a tip added, bonus points subtracted. */
  readonly finalAmount: number | undefined
  readonly terminalId: string
  readonly batchNumber: string
  readonly reference: string
  readonly traceNumber: string
  readonly authorisationCode: string
  readonly moment: string
}

const RESULT_ELEMENTS = 11

export function mellonResult(fields: ReadonlyMap<string, string>): MellonResult | undefined {
  const elements = fields.get('D')?.split(':') ?? []
  if (elements.length !== RESULT_ELEMENTS) return undefined
  const [cardScheme = '', card = '', amount, finalAmount] = elements
  const [terminalId = '', batchNumber = '', reference = ''] = elements.slice(5)
  const [traceNumber = '', authorisationCode = '', moment = ''] = elements.slice(8)
  return {
    cardScheme,
    card,
    amount: minorUnits(amount),
    finalAmount: minorUnits(finalAmount),
    terminalId,
    batchNumber,
    reference,
    traceNumber,
    authorisationCode,
    moment,
  }
}

/** By these a payment is known again when it is repeated. */
const KEY = ['date', 'traceNumber']

/** What the till asks for, and what an approval says then: it does not say it itself. */
const REQUESTS: Readonly<Record<string, 'approved' | 'refunded' | 'reversed'>> = {
  A: 'approved',
  V: 'reversed',
  Z: 'refunded',
}

const requestSchema = z.strictObject({
  session: z.string(),
  kind: z.enum(['approved', 'refunded', 'reversed']),
  amount: z.int(),
})
/** What the till asked for last. */
export type MellonRequest = z.output<typeof requestSchema>

/** As it is remembered until its answer comes. */
export function rememberedRequest(request: MellonRequest): Uint8Array {
  return Buffer.from(JSON.stringify(request), 'utf8')
}

function decodeRequest(memory: Uint8Array | undefined): MellonRequest | undefined {
  const json = parseJson(Buffer.from(memory ?? []).toString('utf8'))
  const request = json.ok ? parseWith(requestSchema, json.value) : json
  return request.ok ? request.value : undefined
}

export class Mellon implements Protocol {
  readonly messages: readonly MessageOutline[] = paymentMessages(KEY)
  readonly link: Link<unknown> = unsolicitedLink
  readonly remembers = true
  readonly #currency: string

  constructor({ currency }: Options) {
    this.#currency = currency
  }

  createFramer(): Framer {
    return createFramer(FRAMING)
  }

  read(payload: Uint8Array, memory?: Uint8Array): Reading {
    const message = readMellon(payload)
    if (!message.ok) return { type: 'rejected', issue: message.error }
    const { isFromTill, type, fields } = message.value
    const kind = REQUESTS[type]
    if (kind !== undefined)
      return isFromTill ? this.#request(kind, fields) : paymentReading('progress', {})
    return type === 'R'
      ? this.#result(fields, decodeRequest(memory))
      : paymentReading('other', { text: fields.get('') })
  }

  encode(message: string, values: Readonly<Record<string, unknown>>): Uint8Array {
    const text = (name: string): string => given(values, name)
    const session = text('reference')
    switch (message) {
      case 'approved': {
        const elements = [
          text('cardScheme'),
          text('maskedPan'),
          text('amount'),
          text('amount'),
          '1',
          text('terminalId'),
          '1',
          text('receiptNumber'),
          text('traceNumber'),
          text('authorisationCode'),
          `${text('date')}${text('time')}`.replaceAll(/[-:]/g, ''),
        ]
        return frameOf(`MEL0101R/S${session}/C00/D${elements.join(':')}`)
      }
      case 'progress':
        return frameOf(`MEL0101A/S${session}/F${text('amount')}`)
      case 'requested': {
        const currency = [isoNumber(this.#currency), currencyPlaces(this.#currency)]
        return frameOf(`ECR0101A/S${session}/F${[text('amount'), ...currency].join(':')}`)
      }
      default:
        return unwritten(message, ['approved', 'progress', 'requested'])
    }
  }

  #request(kind: MellonRequest['kind'], fields: ReadonlyMap<string, string>): Reading {
    const { amount, currency, exponent } = mellonAmount(fields)
    const session = fields.get('S') ?? ''
    const isOurs =
      isoCurrency(currency ?? '') === this.#currency && exponent === currencyPlaces(this.#currency)
    if (!isOurs)
      return {
        type: 'rejected',
        message: 'requested',
        issue: `currency: expected ${this.#currency}`,
      }
    const paid = { amount, reference: session, currency: this.#currency }
    const reading = paymentReading('requested', paid)
    if (reading.type !== 'messages' || amount === undefined) return reading
    return { ...reading, memory: rememberedRequest({ session, kind, amount }) }
  }

  /** It names no amount: what was refused stands in the request. */
  #refusal(
    responseCode: string,
    {
      reference,
      request,
    }: { readonly reference: string | undefined; readonly request: MellonRequest | undefined },
  ): Reading {
    if (request === undefined || request.session !== reference || request.kind !== 'approved')
      return paymentReading('other', { text: responseCode })
    const { amount } = request
    return paymentReading('declined', { amount, currency: this.#currency, reference, responseCode })
  }

  /** A sale, a refund and a void are approved in the same words: the request alone tells which. */
  #result(fields: ReadonlyMap<string, string>, request: MellonRequest | undefined): Reading {
    const reference = fields.get('S')
    const responseCode = fields.get('C')
    if (responseCode === undefined)
      return { type: 'rejected', message: 'declined', issue: 'C: the result is missing' }
    if (responseCode !== APPROVED) return this.#refusal(responseCode, { reference, request })
    const kind = request?.kind ?? 'approved'
    const result = mellonResult(fields)
    if (result === undefined)
      return { type: 'rejected', message: kind, issue: 'expected eleven elements' }
    if (request === undefined) return unreadApproval('what the till asked for was not heard')
    if (request.session !== reference || request.amount !== result.amount)
      return { type: 'rejected', message: kind, issue: 'it answers another request than the last' }
    const { cardScheme, traceNumber, terminalId, authorisationCode } = result
    const paid: PaymentFields = {
      amount: result.finalAmount,
      currency: this.#currency,
      reference,
      cardScheme,
      maskedPan: result.card,
      authorisationCode,
      receiptNumber: result.reference,
      traceNumber,
      terminalId,
      responseCode,
      ...readMoment(result.moment),
    }
    return paymentReading(kind, paid, KEY)
  }
}

function frameOf(text: string): Uint8Array {
  return encodeFrame(FRAMING, Buffer.from(text, 'latin1'))
}
