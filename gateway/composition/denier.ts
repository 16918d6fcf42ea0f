import { systemClock } from '../core/clock.js'
import { newEventId, terminalId } from '../core/ids.js'
import { systemRandom } from '../core/random.js'
import { type EventData, GATEWAY_TERMINAL } from '../event/event.js'
import { makeEvent } from '../event/make-event.js'
import type { FactIngest } from '../ingest/fact-ingest.js'
import type { Shop } from './shop.js'

type Denied = EventData<'access.denied'>

/** Records what was refused at a door, as often as such facts are worth it. */
export function denier(rooms: {
  readonly shop: Shop
  readonly facts: FactIngest
  readonly door: Denied['door']
}): (denial: Omit<Denied, 'door'>) => void {
  const { shop, facts, door } = rooms
  return ({ reason, detail }) =>
    void facts.ingest([
      makeEvent({
        type: 'access.denied',
        // Whoever is refused chose some of it, and its length.
        data: { door, reason, detail: detail.slice(0, 200) },
        id: newEventId(systemClock, systemRandom),
        store: shop.store,
        terminal: terminalId(GATEWAY_TERMINAL),
        wallMs: systemClock.wallMs(),
        timeZone: shop.config.timeZone,
        clockState: shop.clockState(),
      }),
    ])
}
