import { z } from 'zod'
import { LIMITS } from '../../core/limits.js'
import { decodeJson, describeIssues, parseWith } from '../../core/schema.js'
import { saleTypes } from '../../event/sale.js'
import { DelimitedFramer } from '../../line/framing/delimited.js'
import { unsolicitedLink } from '../../line/link/unsolicited.js'
import {
  type FieldOutline,
  type MessageOutline,
  oneMessage,
  type Protocol,
  type Reading,
} from '../protocol.js'

/** CloudEvents 1.0 as JSON (structured mode), whose data are those of our own sales. */
export const cloudEventsSchema = z.strictObject({ type: z.literal('cloud-events') })

/** The names of messages, by the types of the events. */
const MESSAGES = {
  'sale.completed': 'sale-completed',
  'sale.voided': 'sale-voided',
  'sale.returned': 'sale-returned',
} as const

/**
 * The till's own event. Attributes beyond these are its own business; of the data nothing is left
 * out in silence, and a sale that does not add up is none.
 */
const saidEvent = z.object({
  specversion: z.literal('1.0'),
  /** Its own: what it says again has the same. */
  id: z.string().min(1).max(120),
  source: z.string().min(1),
  type: z.enum(['sale.completed', 'sale.voided', 'sale.returned']),
  time: z.iso.datetime({ offset: true }),
  datacontenttype: z.literal('application/json').optional(),
  data: z.unknown(),
})

/** One for all of them. */
const saidData = z.object({ data: saleTypes['sale.completed'].data })

const optional = true

const FIELDS: readonly FieldOutline[] = [
  { name: 'id', type: 'text' },
  { name: 'date', type: 'date' },
  { name: 'time', type: 'time' },
  { name: 'receiptNumber', type: 'text', optional },
  { name: 'workstation', type: 'text', optional },
  { name: 'operator', type: 'text', optional },
  { name: 'businessDay', type: 'date', optional },
  { name: 'currency', type: 'text' },
  { name: 'totalMinor', type: 'amount' },
  { name: 'taxIncluded', type: 'flag' },
  { name: 'roundingMinor', type: 'amount', optional },
  { name: 'changeMinor', type: 'amount', optional },
  { name: 'training', type: 'flag', optional },
  { name: 'reprint', type: 'flag', optional },
  { name: 'refundOf', type: 'text', optional },
]

const GROUPS: NonNullable<MessageOutline['groups']> = {
  lineItems: [
    { name: 'lineNumber', type: 'integer' },
    { name: 'gtin', type: 'digits', optional },
    { name: 'plu', type: 'text', optional },
    { name: 'description', type: 'text' },
    { name: 'quantity', type: 'decimal' },
    { name: 'unit', type: 'text', optional },
    { name: 'unitPrice', type: 'decimal', optional },
    { name: 'amountMinor', type: 'amount' },
    { name: 'discountMinor', type: 'amount', optional },
    { name: 'taxRate', type: 'decimal', optional },
    { name: 'void', type: 'flag', optional },
  ],
  tenders: [
    { name: 'type', type: 'text' },
    { name: 'amountMinor', type: 'amount' },
    { name: 'reference', type: 'text', optional },
  ],
  taxes: [
    { name: 'rate', type: 'decimal' },
    { name: 'netMinor', type: 'amount' },
    { name: 'taxMinor', type: 'amount' },
  ],
}

/** On a wire each event is a line of its own; a published message is one without its end. */
export function cloudEvents(): Protocol {
  return {
    messages: Object.values(MESSAGES).map(name => ({ name, fields: FIELDS, groups: GROUPS })),
    link: unsolicitedLink,
    createFramer: () =>
      new DelimitedFramer({
        type: 'delimited',
        delimiters: '0a',
        maxFrameBytes: LIMITS.frameBytes,
      }),
    read,
    encode,
  }
}

function read(payload: Uint8Array): Reading {
  const said = decodeJson(saidEvent, payload)
  if (!said.ok) return { type: 'rejected', issue: said.error }
  const { id, type, time: instant } = said.value
  const message = MESSAGES[type]
  const parsed = parseWith(saidData, said.value)
  if (!parsed.ok) return { type: 'rejected', message, issue: describeIssues(parsed.error) }
  const { data } = parsed.value
  const { lineItems, tenders, taxes = [], ...fields } = data
  const [date = '', time = ''] = instant.split('T')
  return oneMessage(message, { id, date, time, ...fields, lineItems, tenders, taxes })
}

function encode(message: string, values: Readonly<Record<string, unknown>>): Uint8Array {
  const [type] = Object.entries(MESSAGES).find(([, name]) => name === message) ?? []
  if (type === undefined) throw new RangeError(`no message ${message} of a till`)
  const { id, source = 'till', time, ...data } = values
  const event = { specversion: '1.0', id, source, type, time, data }
  return Buffer.from(`${JSON.stringify(event)}\n`)
}
