import { systemClock } from '../core/clock.js'
import { systemRandom } from '../core/random.js'
import { ClockWatch } from '../diagnostics/clock-watch.js'
import type { JournalIngest } from '../ingest/journal-ingest.js'
import type { Shop } from './shop.js'

export function createClockWatch(shop: Shop, ingest: JournalIngest): ClockWatch {
  return new ClockWatch({
    journal: async event => (await ingest.ingest([event])).type !== 'refused',
    store: shop.store,
    timeZone: shop.config.timeZone,
    clock: systemClock,
    random: systemRandom,
    clockState: shop.clockState,
    logger: shop.logger.child({ room: 'diagnostics' }),
  })
}
