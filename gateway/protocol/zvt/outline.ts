import type { FieldOutline, MessageOutline } from '../protocol.js'

const money: readonly FieldOutline[] = [
  { name: 'amount', type: 'amount' },
  { name: 'currency', type: 'text' },
]
const about: readonly FieldOutline[] = [
  { name: 'scheme', type: 'text', optional: true },
  { name: 'maskedPan', type: 'text', optional: true },
  { name: 'authorisation', type: 'text', optional: true },
  { name: 'receiptNumber', type: 'digits', optional: true },
  { name: 'traceNumber', type: 'digits', optional: true },
  { name: 'terminalId', type: 'digits', optional: true },
  { name: 'reason', type: 'text', optional: true },
]
/** No year comes with the day; with the time and the numbers the reference does not repeat. */
const identity: readonly FieldOutline[] = [
  { name: 'monthDay', type: 'digits' },
  { name: 'reference', type: 'text' },
]

/** What a ZVT terminal and its till say to each other, as far as it concerns money. */
export const MESSAGES: readonly MessageOutline[] = [
  { name: 'started', fields: money },
  { name: 'approved', fields: [...money, ...about, ...identity] },
  { name: 'declined', fields: [...money, ...about] },
  { name: 'reversed', fields: [...money, ...about, ...identity] },
  { name: 'refunded', fields: [...money, ...about, ...identity] },
  {
    name: 'settled',
    fields: [
      ...money,
      ...identity,
      { name: 'firstReceipt', type: 'digits', optional: true },
      { name: 'lastReceipt', type: 'digits', optional: true },
      { name: 'traceNumber', type: 'digits', optional: true },
      { name: 'terminalId', type: 'digits', optional: true },
    ],
    groups: {
      schemes: [
        { name: 'scheme', type: 'text' },
        { name: 'count', type: 'integer' },
        { name: 'sum', type: 'amount' },
      ],
    },
  },
  /** A payment of which nobody knows what came. */
  { name: 'unknown', fields: money },
  /** The same of a refund, a reversal or an end of day. */
  { name: 'undecided', fields: [{ name: 'command', type: 'text' }] },
  /** What came before, said once more. */
  { name: 'repeated', fields: [] },
  /** Everything that moves no money: progress, prints, displays, registration. */
  { name: 'progress', fields: [] },
]
