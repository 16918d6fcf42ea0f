import { z } from 'zod'
import { eventIdSchema, storeIdSchema, terminalIdSchema } from '../core/id-schema.js'
import type { StoreId, TerminalId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import { fail, ok, type Result } from '../core/result.js'
import { describeIssues, parseJson, parseWith } from '../core/schema.js'
import { canonicalJson, SpelledJson } from './canonical-json.js'
import { EVENT_CATALOG, type EventType } from './catalog.js'
import { digestOf, digestOfSpelled } from './event-identity.js'
import { text } from './field.js'

const envelope = {
  specversion: z.literal('1.0'),
  id: eventIdSchema,
  /** `/stores/{store}/terminals/{terminal}`; the gateway itself is the terminal `gateway`. */
  source: z.string().max(120),
  /** The business key: receipt number, code, command id … */
  subject: text.exactOptional(),
  /** When the terminal said it happened, else when it was captured: RFC 3339 with offset. */
  time: z.iso.datetime({ offset: true }),
  datacontenttype: z.literal('application/json'),
  dataschema: z.string().max(120),
  store: storeIdSchema,
  terminal: terminalIdSchema,
  businessday: z.iso.date().exactOptional(),
  /** Whether the gateway's clock was known to be right when the event was captured. */
  clock: z.enum(['synced', 'unsure']),
  /** `vendor/dialect@version` that decoded it; absent for the gateway's own events. */
  profile: text.exactOptional(),
  /** The terminal has no numbers and sent the same again: perhaps one sale, perhaps two. */
  possiblerepeat: z.literal(true).exactOptional(),
  /** The `frame.rejected` of this terminal that a mended dialect could read after all. */
  reparsedfrom: eventIdSchema.exactOptional(),
} as const

/** The envelope alone; `data` is checked by the schema of its type. */
export const envelopeSchema = z.strictObject({ ...envelope, type: z.string(), data: z.unknown() })

export type ClockState = z.infer<typeof envelope.clock>

/** What `data` holds for a type of event. */
export type EventData<Type extends EventType> = z.infer<(typeof EVENT_CATALOG)[Type]['data']>

type Envelope = Omit<z.infer<typeof envelopeSchema>, 'type' | 'data'>

/** One business fact: a CloudEvents 1.0 event in structured mode, `data` as its type says. */
export type EventOf<Type extends EventType> = Envelope & {
  readonly type: Type
  readonly data: EventData<Type>
}
export type Event = { [Type in EventType]: EventOf<Type> }[EventType]

export const GATEWAY_TERMINAL = 'gateway'

export function eventSource(store: StoreId, terminal: TerminalId): string {
  return `/stores/${store}/terminals/${terminal}`
}

export function dataSchemaOf(type: EventType): string {
  return `urn:tillbridge:event:${type}:${EVENT_CATALOG[type].version}`
}

/** Checks outside data against the schema of the type it claims. Issues name the failing member. */
export function parseEvent(candidate: unknown): Result<Event, string> {
  const parsed = parseWith(envelopeSchema, candidate)
  if (!parsed.ok) return fail(describeIssues(parsed.error))
  const { store, terminal, source, type } = parsed.value
  if (source !== eventSource(store, terminal))
    return fail(`source: ${source} is not terminal ${terminal} of store ${store}`)
  if (!Object.hasOwn(EVENT_CATALOG, type)) return fail(`unknown event type ${type}`)
  const definition = EVENT_CATALOG[type as EventType]
  const data = definition.data.safeParse(parsed.value.data)
  if (!data.success)
    return fail(
      describeIssues(
        data.error.issues.map(issue => ({
          path: ['data', ...issue.path.map(String)],
          message: issue.message,
        })),
      ),
    )
  // The two checks above are what this type says: the envelope's members, and data of that type.
  return ok(candidate as Event)
}

/** The bytes of an event as they are journaled, sent and stored: canonical JSON in UTF-8. */
export function encodeEvent(event: Event): Uint8Array {
  return Buffer.from(canonicalJson(event), 'utf8')
}

/** `encodeEvent` and `dataDigest` of one event, for the price of the first. */
export function encodeWithDigest(event: Event): {
  readonly bytes: Uint8Array
  readonly digest: string
} {
  const data = new SpelledJson(canonicalJson(event.data))
  const bytes = Buffer.from(canonicalJson({ ...event, data }), 'utf8')
  return { bytes, digest: digestOfSpelled(data) }
}

/** The event that journaled bytes hold; they are checked again, for a disk can lie. */
export function decodeEvent(bytes: Uint8Array): Result<Event, string> {
  if (bytes.length > LIMITS.eventBytes) return fail(`${bytes.length} bytes are too many`)
  const json = parseJson(Buffer.from(bytes).toString('utf8'))
  return json.ok ? parseEvent(json.value) : json
}

/** SHA-256 of the canonical `data`, hex: equal digests under one (source, id) are one fact. */
export function dataDigest(event: Event): string {
  return digestOf(event.data)
}
