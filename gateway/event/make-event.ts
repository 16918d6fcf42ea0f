import { rfc3339 } from '../core/clock.js'
import { TillbridgeError } from '../core/errors.js'
import type { EventId, StoreId, TerminalId } from '../core/ids.js'
import type { EventType } from './catalog.js'
import {
  type ClockState,
  dataSchemaOf,
  type Event,
  type EventData,
  eventSource,
  parseEvent,
} from './event.js'

/**
 * An event that the gateway itself states (as opposed to one decoded from a terminal's message).
 * @throws TillbridgeError TB_EVENT_INVALID where the data break their schema: a defect of the
 * caller.
 */
export function makeEvent<Type extends EventType>(options: {
  readonly type: Type
  readonly data: EventData<Type>
  readonly id: EventId
  readonly store: StoreId
  readonly terminal: TerminalId
  /** Milliseconds since 1970, written with the offset of `timeZone`. */
  readonly wallMs: number
  readonly timeZone: string
  readonly clockState: ClockState
  /** Which dialect had a hand in it, where one did. */
  readonly profile?: string
}): Event {
  const { type, data, id, store, terminal, wallMs, timeZone, clockState, profile } = options
  const made = parseEvent({
    specversion: '1.0',
    id,
    source: eventSource(store, terminal),
    type,
    time: rfc3339(wallMs, timeZone),
    datacontenttype: 'application/json',
    dataschema: dataSchemaOf(type),
    store,
    terminal,
    clock: clockState,
    ...(profile === undefined ? {} : { profile }),
    data,
  })
  if (!made.ok) throw new TillbridgeError('TB_EVENT_INVALID', `${type}: ${made.error}`)
  return made.value
}
