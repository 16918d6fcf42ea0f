import { systemClock } from '../../gateway/core/clock.js'
import { newEventId, terminalId } from '../../gateway/core/ids.js'
import { systemRandom } from '../../gateway/core/random.js'
import { type Event, GATEWAY_TERMINAL } from '../../gateway/event/event.js'
import type { AlarmName } from '../../gateway/event/gateway-alarm.js'
import { makeEvent } from '../../gateway/event/make-event.js'
import { NOON_MS, STORE } from './sample.js'

function ownEvent() {
  return {
    id: newEventId(systemClock, systemRandom),
    store: STORE,
    terminal: terminalId(GATEWAY_TERMINAL),
    wallMs: NOON_MS,
    timeZone: 'Europe/Berlin',
    clockState: 'synced',
  } as const
}

/** What the self-test of a start leaves in the journal. */
export function selfTested(software: string): Event {
  const data = { software, word: 'a1b2', lineItems: [], totalMinor: 0 }
  return makeEvent({ ...ownEvent(), type: 'gateway.self-tested', data })
}

export function alarm(
  name: AlarmName,
  state: 'raised' | 'cleared',
  reason = 'as the test wants it',
): Event {
  return makeEvent({ ...ownEvent(), type: 'gateway.alarm', data: { alarm: name, state, reason } })
}
