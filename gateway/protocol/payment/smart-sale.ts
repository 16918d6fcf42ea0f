import { z } from 'zod'
import { isoNumber } from '../../codec/currency-number.js'
import { ControlFramer } from '../../line/framing/control-framer.js'
import type { Framer } from '../../line/framing/framer.js'
import { BlocksLink } from '../../line/link/blocks.js'
import type { Link } from '../../line/link/link.js'
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
import { encodeSmartSale, SmartSaleFramer } from './smart-sale-framer.js'
import {
  joinSmartSale,
  readMoment,
  readSmartSale,
  type SmartSaleFields,
  smartSaleText,
  wholeSmartSale,
  writeSmartSale,
} from './smart-sale-message.js'

/** Inpas SmartSale. Source: Zzzzipper/projects (MIT). */
export const smartSaleSchema = z.strictObject({
  type: z.literal('smart-sale'),
  currency: currencyOption('RUB'),
})

type Options = z.output<typeof smartSaleSchema>

export const SMART_SALE_TAG = {
  amount: 0x00,
  currency: 0x04,
  hostTime: 0x06,
  card: 0x0a,
  authorisationCode: 0x0d,
  reference: 0x0e,
  responseCode: 0x0f,
  text: 0x13,
  terminalTime: 0x15,
  operation: 0x19,
  terminalId: 0x1b,
  merchantId: 0x1c,
  result: 0x27,
} as const

const ANSWERS = { more: '06', last: '06', nak: '15' }
const CONTROLS = Uint8Array.of(0x04, 0x06, 0x15)
const SALE = '1'
const WAIT = '21'
/** The totals of the day. */
const SETTLEMENT = '59'
const REVERSAL = '53'
const SUCCESS = '1'

/** By these a payment is known again when it is repeated. */
const KEY = ['date', 'reference']

export class SmartSale implements Protocol {
  readonly messages: readonly MessageOutline[] = paymentMessages(KEY)
  readonly link: Link<unknown> = new BlocksLink({ answers: ANSWERS, join: joinSmartSale })
  readonly #currency: string

  constructor({ currency }: Options) {
    this.#currency = currency
  }

  createFramer(): Framer {
    return new ControlFramer({ inner: new SmartSaleFramer(), controls: CONTROLS })
  }

  read(payload: Uint8Array): Reading {
    const whole = wholeSmartSale(payload)
    if (!whole.ok) return { type: 'rejected', issue: whole.error }
    const read = readSmartSale(whole.value)
    return read.ok ? this.readFields(read.value) : { type: 'rejected', issue: read.error }
  }

  /** What the fields of a whole message say. */
  readFields(fields: SmartSaleFields): Reading {
    const text = (tag: number): string | undefined => smartSaleText(fields, tag)
    const operation = text(SMART_SALE_TAG.operation)
    const isMoney = operation === SALE || operation === REVERSAL
    const result = text(SMART_SALE_TAG.result)
    if (operation === WAIT) return paymentReading('progress', {})
    if (!isMoney)
      return result === SUCCESS && operation !== SETTLEMENT && fields.has(SMART_SALE_TAG.amount)
        ? unreadApproval(`operation ${operation}`)
        : paymentReading('other', {})
    if (result === undefined) return this.#paid('requested', fields)
    if (result !== SUCCESS) return this.#paid('declined', fields)
    return this.#paid(operation === SALE ? 'approved' : 'reversed', fields)
  }

  encode(message: string, values: Readonly<Record<string, unknown>>): Uint8Array {
    const written = ['approved', 'declined', 'reversed', 'requested']
    if (!written.includes(message)) return unwritten(message, written)
    const tag = SMART_SALE_TAG
    const isRequest = message === 'requested'
    const amount = given(values, 'amount')
    const fields: (readonly [number, string])[] = [
      [tag.amount, isRequest ? amount.padStart(8, '0') : amount],
      [tag.currency, isoNumber(this.#currency) ?? ''],
    ]
    const optional = (name: string, number: number): void => {
      const value = values[name]
      if (typeof value === 'string') fields.push([number, value])
    }
    if (!isRequest) {
      fields.push([tag.hostTime, momentText(values)])
      optional('maskedPan', tag.card)
      optional('authorisationCode', tag.authorisationCode)
      optional('reference', tag.reference)
      optional('responseCode', tag.responseCode)
    }
    fields.push([tag.operation, message === 'reversed' ? REVERSAL : SALE])
    optional('terminalId', tag.terminalId)
    if (!isRequest) fields.push([tag.result, message === 'declined' ? '16' : SUCCESS])
    return encodeSmartSale(writeSmartSale(fields))
  }

  #paid(
    name: 'approved' | 'declined' | 'reversed' | 'requested',
    fields: SmartSaleFields,
  ): Reading {
    const text = (tag: number): string | undefined => smartSaleText(fields, tag)
    const currency = this.#currency
    // A payment that was broken off states 0: no currency at all.
    const stated = Number(text(SMART_SALE_TAG.currency))
    if (stated !== Number(isoNumber(currency)) && (name !== 'declined' || stated !== 0))
      return { type: 'rejected', message: name, issue: `currency: expected ${currency}` }
    const paid: PaymentFields = {
      amount: minorUnits(text(SMART_SALE_TAG.amount)),
      currency,
      maskedPan: text(SMART_SALE_TAG.card),
      authorisationCode: text(SMART_SALE_TAG.authorisationCode),
      reference: text(SMART_SALE_TAG.reference),
      responseCode: text(SMART_SALE_TAG.responseCode),
      terminalId: text(SMART_SALE_TAG.terminalId),
      ...readMoment(text(SMART_SALE_TAG.hostTime) ?? text(SMART_SALE_TAG.terminalTime)),
    }
    return paymentReading(name, paid, KEY)
  }
}

/** @throws RangeError where day or time is missing. */
function momentText(values: Readonly<Record<string, unknown>>): string {
  return `${given(values, 'date')}${given(values, 'time')}`.replaceAll(/[-:]/g, '')
}
