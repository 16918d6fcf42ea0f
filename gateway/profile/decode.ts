import { rfc3339 } from '../core/clock.js'
import { derivedEventId, newEventId } from '../core/ids.js'
import { dataSchemaOf, eventSource, parseEvent } from '../event/event.js'
import { scrubText } from '../security/pan-scrub.js'
import type { Capture, Decoded } from './dialect.js'
import { mapData } from './event-mapping.js'
import type { Gatherer } from './gathering.js'
import { localToRfc3339 } from './local-time.js'
import type { MessageCodec } from './message-codec.js'
import { type MessageFields, rowsOf, scalarOf } from './message-fields.js'
import type { EventMapping, Message } from './schema.js'

/** What a payload means, and which message it was taken for. */
export interface DecodedMessage {
  readonly message: string | undefined
  readonly decoded: Decoded
}

/**
 * The first message that recognises a payload reads it. Whatever does not fit (a field, a sum, the
 * event's own schema) makes it `rejected`; issues name message and field and never hold a value,
 * since that might be a card number.
 */
export function decodeMessage(options: {
  /** `vendor/dialect@version` */
  readonly dialectId: string
  readonly cardData: boolean
  readonly messages: readonly MessageCodec[]
  readonly gatherers: readonly Gatherer[]
  readonly payload: Uint8Array
  readonly capture: Capture
  /** What is kept of a message that is not whole yet. */
  readonly held: readonly Uint8Array[]
}): DecodedMessage {
  const { dialectId, messages, payload } = options
  const codec = messages.find(one => one.recognises(payload))
  if (codec === undefined)
    return { message: undefined, decoded: rejected(`no message of ${dialectId} looks like this`) }
  const { message } = codec
  const fields = codec.read(payload)
  const decoded = fields.ok
    ? meaningOf({ ...options, codec, fields: fields.value })
    : rejected(`${message.name}: ${fields.error.field}: expected ${fields.error.expected}`)
  return { message: message.name, decoded }
}

/** What the event of a message, or of several parts, is made of. */
interface Making {
  readonly fields: MessageFields
  readonly dialectId: string
  readonly cardData: boolean
  readonly capture: Capture
}

function meaningOf(
  options: Making & {
    readonly codec: MessageCodec
    readonly payload: Uint8Array
    readonly gatherers: readonly Gatherer[]
    readonly held: readonly Uint8Array[]
  },
): Decoded {
  const { codec, fields, gatherers } = options
  const { message } = codec
  if (codec.isSensitive(fields)) return { type: 'sensitive', message: message.name }
  const wrong = failedCheck(message.checks, fields)
  if (wrong !== undefined) return rejected(`${message.name}: ${wrong}`)
  if (message.reject !== undefined) return rejected(`${message.name}: ${message.reject}`)
  const gatherer = gatherers.find(({ declared }) => declared.name === message.part)
  if (gatherer !== undefined) return gather({ ...options, gatherer })
  const { event } = message
  if (event === undefined) return { type: 'ignored', message: message.name }
  return eventOf({ ...options, name: message.name, event })
}

function gather(
  options: Making & {
    readonly codec: MessageCodec
    readonly payload: Uint8Array
    readonly gatherer: Gatherer
    readonly gatherers: readonly Gatherer[]
    readonly held: readonly Uint8Array[]
  },
): Decoded {
  const { codec, gatherer, gatherers, held } = options
  const { name } = codec.message
  const unfinished = isUnfinished(gatherers, held) ? held : []
  const gathering = gatherer.take({ ...options, unfinished })
  switch (gathering.type) {
    case 'repeated':
      return { type: 'ignored', message: name }
    case 'part':
      return { type: 'part', message: name, step: gathering.step }
    case 'rejected':
      return { ...rejected(`${name}: ${gathering.issue}`), step: gathering.step }
    case 'whole': {
      const { declared } = gatherer
      const { fields, step } = gathering
      const wrong = failedCheck(declared.checks, fields)
      if (wrong !== undefined) return { ...rejected(`${declared.name}: ${wrong}`), step }
      const { event } = declared
      return { ...eventOf({ ...options, name: declared.name, event, fields }), step }
    }
  }
}

/** Whether what is held waits for further parts. */
export function isUnfinished(gatherers: readonly Gatherer[], held: readonly Uint8Array[]): boolean {
  return held.length > 0 && !gatherers.some(gatherer => gatherer.isWhole(held))
}

type EventOrNot = Extract<Decoded, { type: 'events' | 'rejected' }>

function eventOf(
  options: Making & { readonly name: string; readonly event: EventMapping },
): EventOrNot {
  const parsed = parseEvent(candidateOf(options))
  return parsed.ok
    ? { type: 'events', events: [parsed.value] }
    : rejected(`${options.name}: ${parsed.error}`)
}

function failedCheck(checks: Message['checks'], fields: MessageFields): string | undefined {
  const failed = (checks ?? []).find(check => {
    const [group = '', field = ''] = check.sum.split('.')
    const sum = rowsOf(fields, group).reduce((total, row) => total + numberIn(row[field]), 0)
    const equals = check.equals.reduce((total, name) => total + numberIn(fields[name]), 0)
    return sum !== equals
  })
  return failed && `${failed.sum}: expected to add up to ${failed.equals.join(' + ')}`
}

/** Absent optional amounts count nothing. */
function numberIn(value: unknown): number {
  return typeof value === 'number' ? value : 0
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

function rejected(issue: string): Extract<Decoded, { type: 'rejected' }> {
  return { type: 'rejected', issues: [issue] }
}
