import { rfc3339 } from '../core/clock.js'
import type { Dialect } from '../profile/dialect.js'
import { type Basket, paidOf, priceText, type TillSale, totalOf } from './till-sale.js'

/** When and under which number a till books a sale. */
export interface Booking {
  readonly receiptNumber: number
  /** `YYYY-MM-DD` */
  readonly businessDay: string
}

/** A make of till: what it knows of a sale, and how it says that in its dialect. */
export interface TillModel {
  /** The profile it is to be configured with. */
  readonly profile: string
  readonly firmware: string
  /** Its receipts carry numbers and a business day. */
  readonly numbered: boolean
  saleOf(basket: Basket, booking: Booking): TillSale
  /** The frame for a sale begun at `atMs` (since 1970); the same bytes for the same sale. */
  frameOf(
    dialect: Dialect,
    made: { readonly sale: TillSale; readonly atMs: number; readonly timeZone: string },
  ): Uint8Array
}

const lrcTill: TillModel = {
  profile: 'tillbridge/reference-till',
  firmware: '1.0',
  numbered: true,
  saleOf: (basket, booking) => ({
    ...receiptOf(basket, booking),
    operator: String(basket.operator),
    lineItems: basket.lines.map(({ article, pieces }, index) => ({
      lineNumber: index + 1,
      plu: article.plu,
      description: article.description,
      quantity: String(pieces),
      unitPrice: priceText(article),
      amountMinor: pieces * article.priceMinor,
    })),
    training: false,
  }),
  frameOf: (dialect, { sale, atMs, timeZone }) =>
    dialect.encode('sale', { ...receiptValues(sale), ...timeOf(atMs, timeZone), training: false }),
}

const binaryTill: TillModel = {
  profile: 'tillbridge/reference-till-b',
  firmware: '2.0',
  numbered: true,
  saleOf: (basket, booking) => ({
    ...receiptOf(basket, booking),
    operator: String(basket.operator).padStart(4, '0'),
    lineItems: basket.lines.map(({ article, pieces }, index) => ({
      lineNumber: index + 1,
      gtin: article.gtin,
      description: article.description,
      quantity: `${pieces}.000`,
      unitPrice: priceText(article),
      amountMinor: pieces * article.priceMinor,
    })),
  }),
  frameOf: (dialect, { sale, atMs, timeZone }) =>
    dialect.encode('sale', {
      ...receiptValues(sale),
      ...timeOf(atMs, timeZone),
      zNumber: dayClosings(sale.businessDay ?? ''),
    }),
}

const plainTill: TillModel = {
  profile: 'tillbridge/plain-till',
  firmware: '1.0',
  numbered: false,
  saleOf: basket => ({
    type: 'sale.completed',
    operator: String(basket.operator).padStart(2, '0'),
    currency: 'EUR',
    lineItems: basket.lines.map(({ article, pieces }, index) => ({
      lineNumber: index + 1,
      plu: article.plu.padStart(6, '0'),
      description: article.description,
      quantity: `${pieces}.000`,
      amountMinor: pieces * article.priceMinor,
    })),
    tenders: [{ type: basket.pays, amountMinor: totalOf(basket) }],
    totalMinor: totalOf(basket),
  }),
  frameOf: (dialect, { sale }) =>
    dialect.encode('sale', {
      operator: sale.operator,
      items: itemValues(sale),
      tender: sale.tenders[0]?.type,
      total: sale.totalMinor,
    }),
}

export const TILL_MODELS = { lrc: lrcTill, binary: binaryTill, plain: plainTill } as const

export type TillModelName = keyof typeof TILL_MODELS

export function isTillModelName(text: string): text is TillModelName {
  return Object.hasOwn(TILL_MODELS, text)
}

function receiptOf(basket: Basket, booking: Booking) {
  const totalMinor = totalOf(basket)
  const paidMinor = paidOf(basket)
  return {
    type: 'sale.completed',
    receiptNumber: String(booking.receiptNumber).padStart(6, '0'),
    businessDay: booking.businessDay,
    currency: 'EUR',
    tenders: [{ type: basket.pays, amountMinor: paidMinor }],
    totalMinor,
    changeMinor: paidMinor - totalMinor,
  } as const satisfies Partial<TillSale>
}

function receiptValues(sale: TillSale): Record<string, unknown> {
  const { businessDay, receiptNumber, operator, currency, totalMinor, changeMinor } = sale
  return {
    businessDay,
    receiptNumber,
    operator,
    currency,
    items: itemValues(sale),
    tenders: sale.tenders.map(({ type, amountMinor }) => ({ type, amount: amountMinor })),
    change: changeMinor,
    total: totalMinor,
  }
}

function itemValues(sale: TillSale): Record<string, unknown>[] {
  return sale.lineItems.map(({ lineNumber: _, amountMinor, ...item }) => ({
    ...item,
    amount: amountMinor,
  }))
}

/** The till's clock: `date` and `time` as they are printed on the receipt. */
export function timeOf(
  atMs: number,
  timeZone: string,
): { readonly date: string; readonly time: string } {
  const stamp = rfc3339(atMs, timeZone)
  return { date: stamp.slice(0, 10), time: stamp.slice(11, 19) }
}

/** A till closes every day once, so its Z-number follows from the day. */
function dayClosings(businessDay: string): string {
  const days = Math.floor((Date.parse(businessDay) - Date.parse('2020-01-01')) / 86_400_000)
  return String(days).padStart(4, '0')
}
