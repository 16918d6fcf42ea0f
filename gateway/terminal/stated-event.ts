import { newEventId } from '../core/ids.js'
import type { EventType } from '../event/catalog.js'
import type { Event, EventData } from '../event/event.js'
import { makeEvent } from '../event/make-event.js'
import type { Capture, Dialect } from '../profile/dialect.js'

/** What the gateway itself states about a terminal as of this capture: its line, its frames. */
export function statedEvent<Type extends EventType>(options: {
  readonly type: Type
  readonly data: EventData<Type>
  readonly capture: Capture
  readonly dialect: Dialect
}): Event {
  const { type, data, capture, dialect } = options
  const { store, terminal, timeZone, clockState, clock, random } = capture
  return makeEvent({
    type,
    data,
    id: newEventId(clock, random),
    store,
    terminal,
    wallMs: clock.wallMs(),
    timeZone,
    clockState,
    profile: dialect.id,
  })
}
