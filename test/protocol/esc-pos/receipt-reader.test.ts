import t from 'tap'
import {
  compileGrammar,
  receiptGrammarSchema,
} from '../../../gateway/protocol/esc-pos/receipt-grammar.js'
import { type ReceiptFacts, readReceipt } from '../../../gateway/protocol/esc-pos/receipt-reader.js'

const LINES = [
  { as: 'head', pattern: 'Z {zNumber} No {number}' },
  { as: 'head', pattern: '{date} {time}' },
  { as: 'quantity', pattern: '{quantity} x {unitPrice}', of: 'next' },
  { as: 'quantity', pattern: 'each {quantity} at {unitPrice}', of: 'previous' },
  { as: 'item', pattern: '{quantity} kg {unitPrice} {amount}' },
  { as: 'tax', pattern: 'Tax {rate}% {amount}' },
  { as: 'rounding', pattern: 'Rounding {amount}' },
  { as: 'subtotal', pattern: 'Subtotal {amount}' },
  { as: 'total', pattern: 'Total {amount}' },
  { as: 'tender', pattern: 'Cash {amount}', type: 'cash' },
  { as: 'change', pattern: 'Change {amount}' },
  { as: 'void', pattern: 'Void .{1,30} {amount}' },
  { as: 'discount', pattern: 'Off {amount}' },
  { as: 'ignore', pattern: 'Points {amount}' },
  { as: 'item', pattern: '{text} {amount}' },
]
const KINDS = [
  { kind: 'return', pattern: 'REFUND' },
  { kind: 'reprint', pattern: 'COPY' },
]
const GRAMMAR = {
  currency: 'EUR',
  decimals: '1,234.50',
  taxIncluded: true,
  kinds: KINDS,
  lines: LINES,
}

function read(text: string, changes: Readonly<Record<string, unknown>> = {}): ReceiptFacts {
  const options = receiptGrammarSchema.parse({ ...GRAMMAR, ...changes })
  return readReceipt(text.split('\n'), compileGrammar(options))
}

const sold = ({ items }: ReceiptFacts) => items.map(({ text, amount }) => [text, amount])

t.test('items in one line, in two, with a quantity before or behind', async t => {
  const facts = read(
    [
      'Bread      2.50',
      '2 x 1.25',
      'Rolls      2.50',
      'Milk       3.00',
      'each 3 at 1.00',
      'Apples, red',
      '0.532 kg 2.99    1.59',
      'Total      9.59',
    ].join('\n'),
  )
  t.strictSame(sold(facts), [
    ['Bread', 250],
    ['Rolls', 250],
    ['Milk', 300],
    ['Apples, red', 159],
  ])
  t.match(facts.items, [
    {},
    { quantity: '2', unitPrice: '1.25' },
    { quantity: '3', unitPrice: '1.00' },
    { quantity: '0.532', unitPrice: '2.99' },
  ])
  t.strictSame([facts.kind, facts.total, facts.issues], ['sale', 959, []])
})

t.test('discounts and voids count against the total, whatever their sign', async t => {
  const facts = read('A 5.00\nVoid A 5.00\nB 4.00\nOff 1.00-\nOff -0.50\nPoints 9.00\nTotal 2.50')
  t.strictSame(sold(facts), [
    ['A', 500],
    ['Void A', -500],
    ['B', 400],
    ['Off', -100],
    ['Off', -50],
  ])
  t.strictSame(facts.issues, [])
})

t.test('what does not add up says where', async t => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['A 5.00\nTotal 5.01', /total: the items do not add up/],
    ['A 5.00\nSubtotal 4.00\nTotal 5.00', /subtotal: the items/],
    ['A 5.00\nTotal 5.00\nCash 10.00\nChange 4.00', /total: what was paid/],
    ['A 5.00\nTotal 5.00\nTotal 6.00', /total: it is printed twice/],
    ['A 5.00', /total: a line of the receipt/],
    ['Total 5.00', /items: one at least/],
    ['2 x 1.25\nA 2.60\nTotal 2.60', /item: its amount is not quantity times price/],
    ['0.532 kg 2.99 1.59\nTotal 1.59', /item: the line before it/],
    ['each 2 at 1.00\nA 2.00\nTotal 2.00', /quantity: an item before it/],
  ]
  for (const [text, issue] of cases) t.match(read(text).issues, [issue], text)
})

t.test('taxes count where prices exclude them, roundings always', async t => {
  const text = 'A 5.00\nTax 10% 0.50\nTotal 5.50'
  t.strictSame(read(text, { taxIncluded: false }).issues, [])
  t.match(read(text).issues, [/do not add up/])
  t.strictSame(read('A 5.02\nRounding -0.02\nTotal 5.00').issues, [])
})

t.test(
  'kinds: the reprint of a return is a reprint, a return counts less than nothing',
  async t => {
    t.equal(read('REFUND\nCOPY\nA 5.00\nTotal 5.00').kind, 'reprint')
    const back = read('REFUND\nA 5.00\nTotal 5.00\nCash 5.00')
    t.strictSame([back.kind, back.total, sold(back)], ['return', -500, [['A', -500]]])
    t.strictSame(read('Come again').kind, 'other')
    t.strictSame(read('Come again').issues, [])
  },
)

t.test('what was printed when; a slip behind the receipt changes nothing', async t => {
  const { head } = read('Z 17 No 0042\n22.11.26 18:45\nA 1.00\nTotal 1.00\n23.11.2026 09:00')
  t.strictSame(head, { zNumber: '17', number: '0042', date: '2026-11-22', time: '18:45:00' })
  t.strictSame(read('11/22/2026 06:45 PM', { dates: 'MDY' }).head, {
    date: '2026-11-22',
    time: '18:45:00',
  })
  t.strictSame(read('31.02.2026 25:00').head, {}, 'no such day, no such time')
})

t.test('decimals and currencies', async t => {
  const german = { decimals: '1.234,50' }
  t.equal(read('A 1.234,50\nTotal 1.234,50', german).total, 123450)
  t.equal(read('A 1.234.50\nTotal 1234.50', german).total, undefined)
  t.equal(read('A 1,200\nTotal 1,200', { currency: 'JPY' }).total, 1200)
  t.equal(read('A 1.500\nTotal 1.500', { currency: 'KWD' }).total, 1500)
})

t.test('a grammar that cannot work is refused, with its place', async t => {
  const refused = (line: Readonly<Record<string, unknown>>): string => {
    const parsed = receiptGrammarSchema.safeParse({ ...GRAMMAR, lines: [line] })
    return parsed.success ? '' : JSON.stringify(parsed.error.issues)
  }
  t.match(refused({ as: 'item', pattern: '{text}' }), /\{amount\} in a line of item/)
  t.match(refused({ as: 'total', pattern: '{text} {amount}' }), /no \{text\} in a line of total/)
  t.match(refused({ as: 'item', pattern: '(?:.*)* {amount}' }), /at most/)
  t.match(refused({ as: 'item', pattern: '({amount}' }), /groups written/)
})
