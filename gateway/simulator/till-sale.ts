import { z } from 'zod'
import { formatAmount } from '../core/money.js'
import { type Random, seededRandom } from '../core/random.js'

/** A sale as its till knows it: what the ledger must say of it, no more, no less. */
export const tillSale = z.strictObject({
  type: z.literal('sale.completed'),
  receiptNumber: z.string().exactOptional(),
  businessDay: z.string().exactOptional(),
  operator: z.string(),
  currency: z.string(),
  lineItems: z.array(
    z.strictObject({
      lineNumber: z.int(),
      plu: z.string().exactOptional(),
      gtin: z.string().exactOptional(),
      description: z.string(),
      quantity: z.string(),
      unitPrice: z.string().exactOptional(),
      amountMinor: z.int(),
    }),
  ),
  tenders: z.array(z.strictObject({ type: z.enum(['cash', 'card']), amountMinor: z.int() })),
  totalMinor: z.int(),
  changeMinor: z.int().exactOptional(),
  training: z.boolean().exactOptional(),
})

export type TillSale = z.infer<typeof tillSale>

export interface Article {
  readonly plu: string
  /** GTIN-14 of the range for use within a company (GS1 General Specifications §1.4.5). */
  readonly gtin: string
  readonly description: string
  readonly priceMinor: number
}

/** What the simulated shop sells; prices in cents. */
export const ARTICLES: readonly Article[] = [
  { plu: '4011', gtin: '02000000000015', description: 'BANANAS', priceMinor: 129 },
  { plu: '4065', gtin: '02000000001128', description: 'PEPPER GREEN', priceMinor: 89 },
  { plu: '1001', gtin: '02000000002231', description: 'MILK 1L', priceMinor: 115 },
  { plu: '1002', gtin: '02000000003344', description: 'BREAD RYE', priceMinor: 349 },
  { plu: '1003', gtin: '02000000004457', description: 'BUTTER 250G', priceMinor: 229 },
  { plu: '2001', gtin: '02000000005560', description: 'COFFEE 500G', priceMinor: 699 },
  { plu: '2002', gtin: '02000000006673', description: 'TEA 25 BAGS', priceMinor: 249 },
  { plu: '3001', gtin: '02000000007786', description: 'SOAP', priceMinor: 95 },
  { plu: '3002', gtin: '02000000008899', description: 'BATTERIES AA', priceMinor: 599 },
  { plu: '5001', gtin: '02000000010007', description: 'NEWSPAPER', priceMinor: 320 },
]

const MOST_LINES = 5
const MOST_PIECES = 4
const OPERATORS = 9
/** Notes a customer pays with, in cents. */
const NOTE_MINOR = 500

/** What a customer brings to the till, and how they pay. */
export interface Basket {
  readonly operator: number
  readonly lines: readonly { readonly article: Article; readonly pieces: number }[]
  readonly pays: 'cash' | 'card'
}

/** The `n`th basket, always the same from the same seed: a till that restarts goes on with it. */
export function basketOf(seed: number, n: number): Basket {
  const random = seededRandom(seed * 1_000_003 + n)
  return {
    operator: below(random, OPERATORS) + 1,
    lines: Array.from({ length: below(random, MOST_LINES) + 1 }, () => ({
      article: pick(random, ARTICLES),
      pieces: below(random, MOST_PIECES) + 1,
    })),
    pays: random.unit() < 0.4 ? 'card' : 'cash',
  }
}

export function totalOf(basket: Basket): number {
  return basket.lines.reduce((sum, { article, pieces }) => sum + pieces * article.priceMinor, 0)
}

/** What the customer hands over: the exact amount by card, whole notes in cash. */
export function paidOf(basket: Basket): number {
  const totalMinor = totalOf(basket)
  return basket.pays === 'card' ? totalMinor : Math.ceil(totalMinor / NOTE_MINOR) * NOTE_MINOR
}

export function priceText(article: Article): string {
  return formatAmount(article.priceMinor, 'EUR')
}

/** Uniform among the integers from 0 to `count` - 1. */
export function below(random: Random, count: number): number {
  return Math.floor(random.unit() * count)
}

export function pick<Item>(random: Random, items: readonly Item[]): Item {
  const item = items[below(random, items.length)]
  if (item === undefined) throw new RangeError('nothing to pick from')
  return item
}
