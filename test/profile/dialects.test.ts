import t from 'tap'
import type { Random } from '../../gateway/core/random.js'
import type { Event } from '../../gateway/event/event.js'
import type { Dialect } from '../../gateway/profile/dialect.js'
import { loadRegistry } from '../../gateway/profile/registry.js'
import { type DialectSubject, dialectContract } from '../contract/dialect.js'

type Values = Readonly<Record<string, unknown>>

const SEED = 20261122

const loaded = await loadRegistry({ extraFolders: [] })
if (!loaded.ok) throw new Error(loaded.error.join('\n'))
const registry = loaded.value

function dialectOf(profile: string, firmware: string): Dialect {
  const found = registry.dialectOf({ profile, firmware })
  if (!found.ok) throw found.error
  return found.value
}

const upTo = (random: Random, most: number) => Math.floor(random.unit() * (most + 1))
const digits = (random: Random, length: number) =>
  String(upTo(random, 10 ** length - 1)).padStart(length, '0')

function rows(random: Random, make: (amount: number) => Values): readonly Values[] {
  return Array.from({ length: 1 + upTo(random, 5) }, () => make(1 + upTo(random, 20_000)))
}

function sum(items: readonly Values[]): number {
  return items.reduce((total, { amount }) => total + Number(amount), 0)
}

function statedSale(event: Event): string {
  if (event.type !== 'sale.completed') return event.type
  const { lineItems, totalMinor } = event.data
  return JSON.stringify([totalMinor, ...lineItems.map(item => item.amountMinor)])
}

function expectedSale({ items, total }: Values): string {
  const rows: readonly Values[] = Array.isArray(items) ? items : []
  return JSON.stringify([total, ...rows.map(({ amount }) => amount)])
}

function textSale(random: Random): Values {
  const items = rows(random, amount => ({
    plu: digits(random, 5),
    description: 'Bread roll',
    quantity: `${1 + upTo(random, 9)}`,
    unitPrice: '1.25',
    amount,
  }))
  const total = sum(items)
  const change = upTo(random, 500)
  return {
    training: false,
    businessDay: '2026-11-22',
    receiptNumber: digits(random, 6),
    operator: digits(random, 2),
    date: '2026-11-22',
    time: '18:45:01',
    currency: 'EUR',
    items,
    tenders: [{ type: 'cash', amount: total + change }],
    change,
    total,
  }
}

function binarySale(random: Random): Values {
  const { training: _, ...values } = textSale(random)
  const items = rows(random, amount => ({
    gtin: '04006381333931',
    description: 'Blütentee',
    quantity: '1.000',
    unitPrice: '1.25',
    amount,
  }))
  const total = sum(items)
  return {
    ...values,
    zNumber: digits(random, 4),
    operator: digits(random, 4),
    items,
    tenders: [{ type: 'card', amount: total }],
    change: 0,
    total,
  }
}

function plainSale(random: Random): Values {
  const items = rows(random, amount => ({
    plu: digits(random, 6),
    description: 'Coffee, large',
    quantity: '1.000',
    amount,
  }))
  return { operator: digits(random, 2), items, tender: 'cash', total: sum(items) }
}

function statedPayment(event: Event): string {
  if (event.type !== 'payment.approved') return event.type
  return JSON.stringify([event.data.amountMinor, event.data.maskedPan])
}

const subjects: readonly DialectSubject[] = [
  {
    dialect: dialectOf('tillbridge/reference-till', '1.3'),
    message: 'sale',
    sample: textSale,
    stated: statedSale,
    expected: expectedSale,
    keyed: true,
    notices: 'any',
    crossChecked: true,
  },
  {
    dialect: dialectOf('tillbridge/reference-till-b', '2.0'),
    message: 'sale',
    sample: binarySale,
    stated: statedSale,
    expected: expectedSale,
    keyed: true,
    notices: 'any',
    crossChecked: true,
  },
  {
    dialect: dialectOf('tillbridge/plain-till', '1.0'),
    message: 'sale',
    sample: plainSale,
    stated: statedSale,
    expected: expectedSale,
    keyed: false,
    notices: 'any',
    crossChecked: true,
  },
  {
    dialect: dialectOf('transbank/pos', '1'),
    message: 'approved',
    sample: random => ({
      commerceCode: '597029414300',
      terminalId: '75001089',
      authorisationCode: digits(random, 6),
      amount: 1 + upTo(random, 900_000),
      lastDigits: digits(random, 4),
      operationNumber: digits(random, 6),
      cardType: 'CR',
      date: '2026-11-22',
      time: '18:45:01',
    }),
    stated: statedPayment,
    expected: ({ amount, lastDigits }) => JSON.stringify([amount, `****${lastDigits}`]),
    keyed: true,
    notices: 'single',
    crossChecked: false,
  },
  {
    dialect: dialectOf('mettler-toledo/mt-sics', '1.0'),
    message: 'weight',
    sample: random => ({ weight: `${1 + upTo(random, 9000)}.${digits(random, 2)}`, unit: 'g' }),
    stated: event => (event.type === 'goods.weighed' ? event.data.quantity : event.type),
    expected: ({ weight }) => String(weight),
    keyed: false,
    notices: 'none',
    crossChecked: false,
  },
  {
    dialect: dialectOf('generic/aim-scanner', '1'),
    message: 'gs1',
    sample: random => ({
      symbology: 'C1',
      text: `011234567890123110${digits(random, 8)}\x1d3103${digits(random, 6)}`,
    }),
    stated: event => (event.type === 'code.scanned' ? event.data.text : event.type),
    expected: ({ text }) => String(text),
    keyed: false,
    notices: 'none',
    crossChecked: false,
  },
]

for (const subject of subjects) dialectContract(t, subject, SEED)
