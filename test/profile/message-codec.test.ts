import t from 'tap'
import { DeclaredDialect } from '../../gateway/profile/declared-dialect.js'
import { dialectFileSchema } from '../../gateway/profile/dialect-rules.js'
import { captureAt } from '../contract/dialect.js'

/** A dialect of one message, frames ended by CR LF. */
function dialectOf(options: {
  readonly layout: object
  readonly charset?: string
  readonly currency?: string
  readonly data?: object
  readonly cardData?: boolean
  readonly decimals?: string
}): DeclaredDialect {
  const { layout, data, ...more } = options
  const meaning =
    data === undefined ? { ignore: 'a test' } : { event: { type: 'code.scanned', data } }
  return new DeclaredDialect(
    dialectFileSchema.parse({
      format: 1,
      vendor: 'acme',
      dialect: 'test',
      version: 1,
      source: 'constructed',
      line: { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 },
      framing: { type: 'delimited', delimiters: '0d0a' },
      link: { type: 'unsolicited' },
      idleMs: 100,
      cardData: false,
      messages: [{ name: 'one', begins: 'M', layout, ...meaning }],
      ...more,
    }),
  )
}

const decode = (dialect: DeclaredDialect, payload: Uint8Array | string) =>
  dialect.decode(Buffer.from(payload), captureAt(0))

t.test('text in the charset of the dialect', async t => {
  const layout = { type: 'columns', fields: [{ name: 'a', type: 'text', max: 8, bytes: 8 }] }
  const data = { text: '$a' }
  // Its second byte is A0, which is a blank in Latin-1.
  const utf8 = dialectOf({ layout, data, charset: 'utf8' })
  const written = utf8.encode('one', { a: 'voilà' })
  t.match(decode(utf8, written.subarray(0, -2)), { events: [{ data: { text: 'voilà' } }] })
  t.match(decode(utf8, Buffer.from('Mab\xe9     ', 'latin1')), {
    type: 'rejected',
    issues: ['one: a: expected UTF-8 text'],
  })
  const latin1 = dialectOf({ layout, data, charset: 'latin1' })
  t.match(decode(latin1, Buffer.from('Mab\xe9     ', 'latin1')), {
    events: [{ data: { text: 'abé' } }],
  })
  const ascii = dialectOf({ layout, data })
  t.match(decode(ascii, Buffer.from('Mab\xe9     ', 'latin1')), {
    issues: ['one: a: expected ASCII text'],
  })
  t.match(decode(ascii, 'Mab\x07     '), { issues: [/without control characters/] })
})

t.test('encode refuses what a field cannot hold, and says which', async t => {
  const dialect = dialectOf({
    currency: 'EUR',
    layout: {
      type: 'delimited',
      separator: '|',
      fields: [
        { name: 'code', type: 'digits', length: 3 },
        { name: 'price', type: 'amount' },
        { name: 'day', type: 'date', format: 'YYMMDD' },
        { name: 'note', type: 'text', max: 5, optional: true },
      ],
    },
  })
  const values = { code: '007', price: 250, day: '2026-11-22' }
  t.equal(Buffer.from(dialect.encode('one', values)).toString(), 'M007|2.50|261122|\r\n')
  const refused: readonly (readonly [object, RegExp])[] = [
    [{ code: '7' }, /one: code: expected 3 digits/],
    [{ code: undefined }, /one: code: expected a value/],
    [{ price: 2.5 }, /one: price/],
    [{ price: -250 }, /one: price: expected an amount without a sign/],
    [{ price: '2.50' }, /one: price/],
    [{ day: '2026-02-30' }, /one: day: expected a day of the calendar/],
    [{ day: '1999-01-01' }, /one: day: expected a year of this century/],
    [{ note: 'a|b' }, /no \| inside a field/],
    [{ note: 'a\r\nb' }, /one: note: expected text without control characters/],
    [{ note: 'ab  ' }, /one: note: expected a value that the field can hold/],
    [{ other: 'x' }, /one: other/],
  ]
  for (const [change, message] of refused)
    t.throws(() => dialect.encode('one', { ...values, ...change }), { name: 'RangeError', message })
  t.throws(() => dialect.encode('two', values), { message: /no message two; there are one/ })
})

t.test('amounts keep every decimal of their currency', async t => {
  const fields = [
    { name: 'currency', type: 'text', max: 3 },
    { name: 'a', type: 'amount', signed: true },
    { name: 'b', type: 'amount', implied: 2 },
  ]
  const layout = { type: 'delimited', separator: ' ', fields }
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the notation of a mapping
  const data = { text: 'a ${a} b ${b}' }
  const dialect = dialectOf({ currency: '$currency', layout, data })
  const good: readonly (readonly [string, string])[] = [
    ['EUR -12.50 1250', 'a -1250 b 1250'],
    ['JPY 12 1200', 'a 12 b 12'],
    ['KWD 1.250 125', 'a 1250 b 1250'],
  ]
  for (const [wire, text] of good)
    t.match(decode(dialect, `M${wire}`), { events: [{ data: { text } }] })
  for (const wire of [
    'EUR 12.5 1',
    'EUR 1250 1',
    'JPY 12.00 1',
    'JPY 1 150',
    'KWD 1.25 1',
    'eur 1.00 1',
  ])
    t.match(decode(dialect, `M${wire}`), { type: 'rejected' }, wire)
})

t.test('a rejection never repeats what it read', async t => {
  const dialect = dialectOf({
    layout: {
      type: 'delimited',
      separator: '|',
      fields: [{ name: 'pan', type: 'digits', length: 4 }],
    },
  })
  const decoded = decode(dialect, 'M4111111111111111')
  t.match(decoded, { type: 'rejected', issues: ['one: pan: expected 4 digits'] })
})

t.test('a card number is read masked, in one form, whatever the terminal sends', async t => {
  const layout = {
    type: 'tlv',
    lengths: 'byte',
    fields: [
      { name: 'card', tag: '22', type: 'pan', optional: true },
      { name: 'packed', tag: '23', type: 'pan', coding: 'bcd', optional: true },
    ],
  }
  const dialect = dialectOf({ layout, data: { text: '$card' }, cardData: true })
  const written = dialect.encode('one', { card: '411111******1111', packed: '4111********1111' })
  t.equal(Buffer.from(written.subarray(-10, -2)).toString('hex'), '4111eeeeeeee1111')
  t.match(decode(dialect, written.subarray(0, -2)), {
    events: [{ data: { text: '411111******1111' } }],
  })
  const clear = Buffer.from('M"\x104111111111111111#\x0841111111', 'latin1')
  t.match(decode(dialect, clear), { events: [{ data: { text: '411111******1111' } }] })
})

t.test('a message with a field that may not be kept is known as such', async t => {
  const fields = [{ name: 'pinBlock', tag: '99', type: 'sensitive', optional: true }]
  const layout = { type: 'tlv', lengths: 'byte', fields }
  const dialect = dialectOf({ layout, cardData: true })
  t.same(decode(dialect, Buffer.from('4d99026162', 'hex')), { type: 'sensitive', message: 'one' })
  t.same(decode(dialect, 'M'), { type: 'ignored', message: 'one' })
  t.throws(() => dialectOf({ layout }), /expected card data in pinBlock; write `cardData: true`/)
})

t.test('amounts and quantities as the till writes them, rows that nobody counts', async t => {
  const layout = {
    type: 'delimited',
    separator: ';',
    fields: [
      {
        name: 'items',
        type: 'rows',
        max: 3,
        separator: '|',
        fields: [
          { name: 'description', type: 'text', max: 20 },
          { name: 'quantity', type: 'decimal', decimals: '1234.50' },
          { name: 'amount', type: 'amount' },
        ],
      },
      { name: 'total', type: 'amount' },
      {
        name: 'tenders',
        type: 'rows',
        between: '+',
        max: 2,
        separator: '=',
        fields: [
          { name: 'type', type: 'choice', values: { CO: 'cash', CA: 'card' } },
          { name: 'amount', type: 'amount' },
        ],
      },
    ],
  }
  const dialect = dialectOf({ layout, currency: 'EUR', decimals: '1.234,50' })
  const values = {
    items: [
      { description: 'Vino', quantity: '6', amount: 120_600 },
      { description: 'Pane', quantity: '0.250', amount: 250 },
    ],
    total: 120_850,
    tenders: [
      { type: 'cash', amount: 850 },
      { type: 'card', amount: 120_000 },
    ],
  }
  const line = 'MVino|6|1.206,00;Pane|0.250|2,50;1.208,50;CO=8,50+CA=1.200,00'
  t.equal(Buffer.from(dialect.encode('one', values)).toString(), `${line}\r\n`)
  t.match(decode(dialect, line), { type: 'ignored' })
  t.match(decode(dialect, 'M0,00;'), { type: 'ignored' })
  const REFUSED = [
    ['MVino|6|1206.00;1.206,00;CO=1,00', /items.1.amount: expected an amount with 2 .* 1\.234,50/],
    ['MVino|6|12,06,00;1.206,00;CO=1,00', /items.1.amount/],
    ['MVino|6,0|1.206,00;1.206,00;CO=1,00', /items.1.quantity: expected a number .* 1234\.50/],
    ['M;1.206,00;CO=1,00', /items.1: expected 3 columns/],
    ['M1|1|1,00;1|1|1,00;1|1|1,00;1|1|1,00;4,00;CO=1,00', /items: expected at most 3 rows/],
    ['M1|1|1,00;1,00;CO=1,00+CO=1,00+CO=1,00', /tenders: expected at most 2 rows/],
    ['M1,00', /items: expected 2 columns behind it/],
  ] as const
  for (const [text, issue] of REFUSED)
    t.match(decode(dialect, text), { type: 'rejected', issues: [issue] }, text)
})
