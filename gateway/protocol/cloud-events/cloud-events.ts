import { z } from 'zod'
import { LIMITS } from '../../core/limits.js'
import { decodeJson, describeIssues, parseWith } from '../../core/schema.js'
import { DelimitedFramer } from '../../line/framing/delimited.js'
import { unsolicitedLink } from '../../line/link/unsolicited.js'
import { oneMessage, type Protocol, type Reading } from '../protocol.js'
import { isSaidType, SAID_TYPES, WHEN } from './said-types.js'

/** CloudEvents 1.0 as JSON (structured mode), whose data are those of our own events. */
export const cloudEventsSchema = z.strictObject({ type: z.literal('cloud-events') })

/**
 * The till's own event. Attributes beyond these are its own business; of the data nothing is left
 * out in silence, and a sale that does not add up is none.
 */
const saidEvent = z.object({
  specversion: z.literal('1.0'),
  /** Its own: what it says again has the same. */
  id: z.string().min(1).max(120),
  source: z.string().min(1),
  type: z.string(),
  time: z.iso.datetime({ offset: true }),
  datacontenttype: z.literal('application/json').optional(),
  data: z.unknown(),
})

/** On a wire each event is a line of its own; a published message is one without its end. */
export function cloudEvents(): Protocol {
  return {
    messages: Object.values(SAID_TYPES).map(({ fields, data: _, ...message }) => ({
      ...message,
      fields: [...WHEN, ...fields],
    })),
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
  if (!isSaidType(type))
    return { type: 'rejected', issue: `type: expected ${Object.keys(SAID_TYPES).join(', ')}` }
  const { name: message, data: schema } = SAID_TYPES[type]
  const parsed = parseWith(z.object({ data: schema }), said.value)
  if (!parsed.ok) return { type: 'rejected', message, issue: describeIssues(parsed.error) }
  const [date = '', time = ''] = instant.split('T')
  return oneMessage(message, { id, date, time, ...parsed.value.data })
}

function encode(message: string, values: Readonly<Record<string, unknown>>): Uint8Array {
  const [type] = Object.entries(SAID_TYPES).find(([, { name }]) => name === message) ?? []
  if (type === undefined) throw new RangeError(`no message ${message} of a till`)
  const { id, source = 'till', time, ...data } = values
  const event = { specversion: '1.0', id, source, type, time, data }
  return Buffer.from(`${JSON.stringify(event)}\n`)
}
