import { rfc3339 } from '../core/clock.js'
import { derivedEventId, newEventId } from '../core/ids.js'
import { dataSchemaOf, eventSource, parseEvent } from '../event/event.js'
import { scrubText } from '../security/pan-scrub.js'
import type { Capture, Decoded } from './dialect.js'
import { mapData } from './event-mapping.js'
import { localToRfc3339 } from './local-time.js'
import { type MessageFields, scalarOf } from './message-fields.js'
import type { EventMapping } from './schema.js'

/** What the event of a message, or of several parts, is made of. */
export interface Making {
  readonly fields: MessageFields
  readonly dialectId: string
  readonly cardData: boolean
  readonly capture: Capture
}

type EventOrNot = Extract<Decoded, { type: 'events' | 'rejected' }>

/** What does not fit the event's own schema is `rejected`, and says which message and member. */
export function eventOf(
  options: Making & { readonly name: string; readonly event: EventMapping },
): EventOrNot {
  const parsed = parseEvent(candidateOf(options))
  return parsed.ok
    ? { type: 'events', events: [parsed.value] }
    : rejected(`${options.name}: ${parsed.error}`)
}

/** The event as the mapping says, not yet checked. Its data hold nothing of the gateway's clock. */
function candidateOf(options: Making & { readonly event: EventMapping }): unknown {
  const { event, fields, dialectId, cardData, capture } = options
  const { store, terminal, clock, random, timeZone, clockState } = capture
  const textIn = (name: string | undefined): string | undefined => {
    const value = name === undefined ? undefined : scalarOf(fields, name)
    return value === undefined ? undefined : String(value)
  }
  const subject = textIn(event.subject)
  const businessday = textIn(event.businessDay)
  const date = textIn(event.time?.date)
  const time = textIn(event.time?.time)
  const { key } = event
  // The id is a digest of it, and a digest of a card number is soon found out.
  const keyNumber = scrubText(textIn(key?.number) ?? '', {
    runs: cardData ? 'whole' : 'none',
    isAboutCards: cardData,
  })
  return {
    specversion: '1.0',
    id:
      key === undefined
        ? newEventId(clock, random)
        : derivedEventId([store, terminal, key.kind, textIn(key.day) ?? '', keyNumber.value]),
    source: eventSource(store, terminal),
    type: event.type,
    ...(subject === undefined ? {} : { subject }),
    time:
      date === undefined || time === undefined
        ? rfc3339(clock.wallMs(), timeZone)
        : localToRfc3339({ date, time, timeZone }),
    datacontenttype: 'application/json',
    dataschema: dataSchemaOf(event.type),
    store,
    terminal,
    ...(businessday === undefined ? {} : { businessday }),
    clock: clockState,
    profile: dialectId,
    data: mapData(event.data, fields),
  }
}

export function rejected(issue: string): Extract<Decoded, { type: 'rejected' }> {
  return { type: 'rejected', issues: [issue] }
}
