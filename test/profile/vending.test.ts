import t from 'tap'
import type { Random } from '../../gateway/core/random.js'
import type { Event } from '../../gateway/event/event.js'
import { dialectContract } from '../contract/dialect.js'
import { dialectOf } from '../terminal/shop.js'

const SEED = 20_261_130

const below = (random: Random, limit: number): number => Math.floor(random.unit() * limit)

function sampleAudit(random: Random): Readonly<Record<string, unknown>> {
  const products = Array.from({ length: 1 + below(random, 6) }, (_, at) => {
    const price = 10 * (1 + below(random, 40))
    const vends = below(random, 5000)
    return { selection: `${10 + at}`, name: `ITEM ${at}`, price, vends, amount: price * vends }
  })
  const paid = products.reduce((sum, { amount }) => sum + amount, 0)
  const paidVends = products.reduce((sum, { vends }) => sum + vends, 0)
  return {
    serial: `SIM${below(random, 1e6)}`,
    currency: 'EUR',
    paidVends,
    paid,
    tenders: [{ tender: 'cash', vends: paidVends, amount: paid }],
    products,
  }
}

function statedAudit(event: Event): string {
  if (event.type !== 'vending.audited') return event.type
  const { currency, paidMinor, products } = event.data
  return JSON.stringify([currency, paidMinor, products.map(({ amountMinor }) => amountMinor)])
}

dialectContract(
  t,
  {
    dialect: await dialectOf('vending/dex', '6'),
    message: 'audit',
    sample: sampleAudit,
    stated: statedAudit,
    expected: ({ currency, paid, products }) => {
      const rows: readonly { readonly amount: number }[] = Array.isArray(products) ? products : []
      return JSON.stringify([currency, paid, rows.map(({ amount }) => amount)])
    },
    keyed: false,
    notices: 'any',
    crossChecked: true,
  },
  SEED,
)
