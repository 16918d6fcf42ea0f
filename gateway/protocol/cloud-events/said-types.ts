import type { ZodType } from 'zod'
import { codeTypes } from '../../event/code-scanned.js'
import { goodsTypes } from '../../event/goods-weighed.js'
import { paymentTypes } from '../../event/payment.js'
import { readingTypes } from '../../event/reading-taken.js'
import { saleTypes } from '../../event/sale.js'
import type { FieldOutline, MessageOutline, ProtocolFields } from '../protocol.js'

/** A type of event that a terminal may say itself. */
interface SaidType extends MessageOutline {
  readonly data: ZodType<ProtocolFields>
}

const optional = true

/** Of each event. */
export const WHEN: readonly FieldOutline[] = [
  { name: 'id', type: 'text' },
  { name: 'date', type: 'date' },
  { name: 'time', type: 'time' },
]

const SALE: readonly FieldOutline[] = [
  { name: 'receiptNumber', type: 'text', optional },
  { name: 'workstation', type: 'text', optional },
  { name: 'operator', type: 'text', optional },
  { name: 'businessDay', type: 'date', optional },
  { name: 'currency', type: 'text' },
  { name: 'totalMinor', type: 'amount' },
  { name: 'taxIncluded', type: 'flag' },
  { name: 'roundingMinor', type: 'amount', optional },
  { name: 'changeMinor', type: 'amount', optional },
  { name: 'training', type: 'flag', optional },
  { name: 'reprint', type: 'flag', optional },
  { name: 'refundOf', type: 'text', optional },
]

const SALE_GROUPS: NonNullable<MessageOutline['groups']> = {
  lineItems: [
    { name: 'lineNumber', type: 'integer' },
    { name: 'gtin', type: 'digits', optional },
    { name: 'plu', type: 'text', optional },
    { name: 'description', type: 'text' },
    { name: 'quantity', type: 'decimal' },
    { name: 'unit', type: 'text', optional },
    { name: 'unitPrice', type: 'decimal', optional },
    { name: 'amountMinor', type: 'amount' },
    { name: 'discountMinor', type: 'amount', optional },
    { name: 'taxRate', type: 'decimal', optional },
    { name: 'void', type: 'flag', optional },
  ],
  tenders: [
    { name: 'type', type: 'text' },
    { name: 'amountMinor', type: 'amount' },
    { name: 'reference', type: 'text', optional },
  ],
  taxes: [
    { name: 'rate', type: 'decimal' },
    { name: 'netMinor', type: 'amount' },
    { name: 'taxMinor', type: 'amount' },
  ],
}

/** One for all three. */
const saleData = saleTypes['sale.completed'].data.transform(data => ({ taxes: [], ...data }))

const PAYMENT: readonly FieldOutline[] = [
  { name: 'amountMinor', type: 'amount' },
  { name: 'currency', type: 'text' },
  { name: 'method', type: 'text' },
  { name: 'cardScheme', type: 'text', optional },
  { name: 'maskedPan', type: 'text', optional },
  { name: 'authorisationCode', type: 'text', optional },
  { name: 'terminalReceiptNumber', type: 'text', optional },
  { name: 'traceNumber', type: 'text', optional },
  { name: 'terminalId', type: 'text', optional },
  { name: 'reason', type: 'text', optional },
]

const CODE: readonly FieldOutline[] = [
  { name: 'text', type: 'text' },
  { name: 'symbology', type: 'text', optional },
  { name: 'gtin', type: 'digits', optional },
  { name: 'checkDigitValid', type: 'flag', optional },
]

/** Identifiers of GS1 are in the text: whoever wants them apart takes a scanner's profile. */
const codeData = codeTypes['code.scanned'].data.omit({ elements: true })

const GOODS: readonly FieldOutline[] = [
  { name: 'quantity', type: 'decimal' },
  { name: 'unit', type: 'text' },
  { name: 'stable', type: 'flag' },
  { name: 'tare', type: 'decimal', optional },
]

const READING: readonly FieldOutline[] = [
  { name: 'register', type: 'text' },
  { name: 'quantity', type: 'decimal', optional },
  { name: 'unit', type: 'text' },
  { name: 'fault', type: 'text', optional },
]

const sale = { fields: SALE, groups: SALE_GROUPS, data: saleData }
const payment = { fields: PAYMENT, data: paymentTypes['payment.approved'].data }

/** The types, and the message that each is. */
export const SAID_TYPES = {
  'sale.completed': { name: 'sale-completed', ...sale },
  'sale.voided': { name: 'sale-voided', ...sale },
  'sale.returned': { name: 'sale-returned', ...sale },
  'payment.approved': { name: 'payment-approved', ...payment },
  'payment.declined': { name: 'payment-declined', ...payment },
  'payment.reversed': { name: 'payment-reversed', ...payment },
  'payment.unknown': { name: 'payment-unknown', ...payment },
  'code.scanned': { name: 'code-scanned', fields: CODE, data: codeData },
  'goods.weighed': { name: 'goods-weighed', fields: GOODS, data: goodsTypes['goods.weighed'].data },
  'reading.taken': {
    name: 'reading-taken',
    fields: READING,
    data: readingTypes['reading.taken'].data,
  },
} as const satisfies Readonly<Record<string, SaidType>>

export function isSaidType(text: string): text is keyof typeof SAID_TYPES {
  return Object.hasOwn(SAID_TYPES, text)
}
