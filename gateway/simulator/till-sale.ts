import { z } from 'zod'
import { type Random, seededRandom } from '../core/random.js'

/** A sale as a till knows it: what it prints, and what the ledger must say of it, no more, no less. */
export const tillSale = z.strictObject({
  type: z.literal('sale.completed'),
  receiptNumber: z.string().exactOptional(),
  businessDay: z.string().exactOptional(),
  operator: z.string().exactOptional(),
  currency: z.string(),
  lineItems: z.array(
    z.strictObject({
      lineNumber: z.int(),
      plu: z.string(),
      description: z.string(),
      quantity: z.string(),
      amountMinor: z.int(),
    }),
  ),
  tenders: z.array(z.strictObject({ type: z.enum(['cash', 'card']), amountMinor: z.int() })),
  totalMinor: z.int(),
})

export type TillSale = z.infer<typeof tillSale>

interface Article {
  readonly plu: string
  readonly description: string
  readonly priceMinor: number
}

/** What the simulated shop sells; prices in cents. */
export const ARTICLES: readonly Article[] = [
  { plu: '4011', description: 'BANANAS', priceMinor: 129 },
  { plu: '4065', description: 'PEPPER GREEN', priceMinor: 89 },
  { plu: '1001', description: 'MILK 1L', priceMinor: 115 },
  { plu: '1002', description: 'BREAD RYE', priceMinor: 349 },
  { plu: '1003', description: 'BUTTER 250G', priceMinor: 229 },
  { plu: '2001', description: 'COFFEE 500G', priceMinor: 699 },
  { plu: '2002', description: 'TEA 25 BAGS', priceMinor: 249 },
  { plu: '3001', description: 'SOAP', priceMinor: 95 },
  { plu: '3002', description: 'BATTERIES AA', priceMinor: 599 },
  { plu: '5001', description: 'NEWSPAPER', priceMinor: 320 },
]

const MOST_LINES = 5
const MOST_PIECES = 4

/** Sale `n` of a till, always the same from the same seed: a till that restarts goes on with it. */
export function makeSale(options: {
  readonly seed: number
  readonly n: number
  readonly receipt?: { readonly number: string; readonly businessDay: string }
}): TillSale {
  const random = seededRandom(options.seed * 1_000_003 + options.n)
  const lineItems = Array.from({ length: below(random, MOST_LINES) + 1 }, (_, index) => {
    const { plu, description, priceMinor } = pick(random, ARTICLES)
    const pieces = below(random, MOST_PIECES) + 1
    const amountMinor = pieces * priceMinor
    return { lineNumber: index + 1, plu, description, quantity: String(pieces), amountMinor }
  })
  const totalMinor = lineItems.reduce((sum, item) => sum + item.amountMinor, 0)
  const { receipt } = options
  return {
    type: 'sale.completed',
    ...(receipt === undefined
      ? {}
      : { receiptNumber: receipt.number, businessDay: receipt.businessDay }),
    operator: String(below(random, 9) + 1),
    currency: 'EUR',
    lineItems,
    tenders: [{ type: random.unit() < 0.4 ? 'card' : 'cash', amountMinor: totalMinor }],
    totalMinor,
  }
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
