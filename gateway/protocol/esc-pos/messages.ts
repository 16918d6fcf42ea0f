import type { FieldOutline, MessageOutline } from '../protocol.js'

const text = (name: string): FieldOutline => ({ name, type: 'text' })
const amount = (name: string): FieldOutline => ({ name, type: 'amount' })
const decimal = (name: string): FieldOutline => ({ name, type: 'decimal' })
const maybe = (field: FieldOutline): FieldOutline => ({ ...field, optional: true })

const currency = text('currency')
const numbered: readonly FieldOutline[] = [
  text('number'),
  { name: 'date', type: 'date' },
  /** What the number does not repeat within: the Z number, the business day, or the date. */
  { name: 'day', type: 'digits' },
]

const sale: readonly FieldOutline[] = [
  maybe({ name: 'time', type: 'time' }),
  maybe(text('operator')),
  maybe({ name: 'businessDay', type: 'date' }),
  currency,
  amount('total'),
  maybe(amount('rounding')),
  maybe(amount('change')),
  { name: 'taxIncluded', type: 'flag' },
]

const groups = {
  items: [
    text('text'),
    decimal('quantity'),
    maybe(decimal('unitPrice')),
    maybe(decimal('rate')),
    amount('amount'),
  ],
  tenders: [text('type'), amount('amount')],
  taxes: [maybe(decimal('rate')), maybe(amount('net')), amount('amount')],
}

/** A sale, and the same of a receipt that shows no number or no date. */
const sales = (name: string): readonly MessageOutline[] => [
  { name, fields: [...numbered, ...sale], groups },
  { name: `unnumbered-${name}`, fields: sale, groups },
]

export const RECEIPT_MESSAGES: readonly MessageOutline[] = [
  {
    name: 'receipt',
    fields: [
      text('kind'),
      text('text'),
      maybe({ name: 'linesLeftOut', type: 'integer' }),
      maybe(text('number')),
      maybe({ name: 'date', type: 'date' }),
      maybe({ name: 'time', type: 'time' }),
      maybe(currency),
      maybe(amount('total')),
      { name: 'images', type: 'integer' },
      { name: 'cut', type: 'flag' },
      { name: 'drawer', type: 'flag' },
      { name: 'warnings', type: 'integer' },
    ],
    groups: { codes: [text('symbology'), text('data')] },
  },
  ...['sale', 'return', 'void'].flatMap(sales),
  { name: 'status-request', fields: [text('request')] },
  { name: 'blank', fields: [] },
]
