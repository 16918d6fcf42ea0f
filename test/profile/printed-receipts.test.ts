import t from 'tap'
import { concatBytes } from '../../gateway/core/bytes.js'
import { formatAmount } from '../../gateway/core/money.js'
import { type Random, seededRandom } from '../../gateway/core/random.js'
import type { Event } from '../../gateway/event/event.js'
import type { Decoded, Dialect } from '../../gateway/profile/dialect.js'
import { loadRegistry } from '../../gateway/profile/registry.js'
import { captureAt, damage } from '../contract/dialect.js'

const SEED = 20_261_130
const ROUNDS = 1_000
const NOON_MS = Date.UTC(2026, 10, 22, 12)

const registry = await loadRegistry({ extraFolders: [] })
if (!registry.ok) throw new Error(registry.error.join('\n'))
const found = registry.value.dialectOf({ profile: 'generic/esc-pos-register', firmware: '1' })
if (!found.ok) throw found.error
const dialect: Dialect = found.value

const upTo = (random: Random, most: number): number => Math.floor(random.unit() * (most + 1))
const row = (words: string, amountMinor: number): string =>
  `${words}${formatAmount(amountMinor, 'GBP').padStart(40 - words.length)}`

/** A receipt, and the money on it: the total, and each item. */
function sample(random: Random): { readonly text: string; readonly money: string } {
  const items = Array.from({ length: 1 + upTo(random, 5) }, () => {
    const pieces = 1 + upTo(random, 8)
    const price = 1 + upTo(random, 20_000)
    return { pieces, price, amount: pieces * price }
  })
  const total = items.reduce((sum, { amount }) => sum + amount, 0)
  const change = upTo(random, 500)
  const lines = [
    'CORNER SHOP',
    `Receipt No: ${String(upTo(random, 999_999)).padStart(6, '0')}`,
    'Date: 22/11/2026 Time: 18:45',
    ...items.flatMap(({ pieces, price, amount }) => [
      `${pieces} x ${formatAmount(price, 'GBP')}`,
      row('BREAD ROLL', amount),
    ]),
    row('SUBTOTAL', total),
    row('TOTAL', total),
    row('CASH', total + change),
    ...(change === 0 ? [] : [row('CHANGE', change)]),
    'Thank you',
  ]
  const money = JSON.stringify([total, ...items.map(({ amount }) => amount)])
  return { text: lines.join('\n'), money }
}

function hear(bytes: Uint8Array): readonly Decoded[] {
  const framer = dialect.createFramer()
  const outputs = [...framer.push(bytes), ...framer.idle()]
  return outputs.flatMap(output =>
    output.type === 'frame' ? [dialect.decode(output.payload, captureAt(NOON_MS))] : [],
  )
}

function salesIn(decoded: readonly Decoded[]): readonly string[] {
  const events: readonly Event[] = decoded.flatMap(one => (one.type === 'events' ? one.events : []))
  return events.flatMap(event => {
    if (!('totalMinor' in event.data) || !event.type.startsWith('sale.')) return []
    const items = 'lineItems' in event.data ? event.data.lineItems : []
    return [JSON.stringify([event.data.totalMinor, ...items.map(item => item.amountMinor)])]
  })
}

t.test(`a sale is read as it was printed (seed ${SEED})`, async t => {
  const random = seededRandom(SEED)
  const samples = Array.from({ length: 200 }, () => sample(random))
  const read = samples.map(({ text }) => salesIn(hear(dialect.encode('receipt', { text }))))
  t.strictSame(
    read,
    samples.map(({ money }) => [money]),
  )
})

for (const single of [true, false])
  t.test(
    `damage on the line states no wrong amount, ${single ? 'one byte' : 'one to three'}`,
    async t => {
      const random = seededRandom(SEED)
      const counts = { unharmed: 0, refused: 0 }
      const wrong: unknown[] = []
      for (let round = 0; round < ROUNDS; round += 1) {
        const { text, money } = sample(random)
        const bytes = damage(dialect.encode('receipt', { text }), { random, single })
        const read = salesIn(hear(bytes))
        if (read.length === 0) counts.refused += 1
        else if (read.every(one => one === money)) counts.unharmed += 1
        else wrong.push({ text: Buffer.from(bytes).toString('latin1'), read, money })
      }
      t.comment(`seed ${SEED}: ${ROUNDS} damaged receipts: ${JSON.stringify(counts)}`)
      t.strictSame(wrong.slice(0, 1), [], `${wrong.length} wrong amounts`)
      t.ok(counts.refused > ROUNDS / 20, 'some damage is noticed')
    },
  )

t.test(`no bytes crash it, and it holds no more than a receipt (seed ${SEED})`, async t => {
  const random = seededRandom(SEED)
  const letters = Buffer.from('1b1d1c10400a0d6b28764c5641703026002e302c30', 'hex')
  const piece = (): Uint8Array => {
    const length = 1 + upTo(random, 400)
    if (random.unit() < 0.3) return random.bytes(length)
    return Uint8Array.from({ length }, () => letters[upTo(random, letters.length - 1)] ?? 0)
  }
  const { text } = sample(random)
  for (let round = 0; round < 400; round += 1) {
    const printed = dialect.encode('receipt', { text })
    const decoded = hear(concatBytes([piece(), printed, piece()]))
    if (decoded.some(one => one.type === 'sensitive')) t.fail('dropped as card data')
  }
  t.pass('400 streams')
})
