import { systemClock } from '../core/clock.js'
import { systemRandom } from '../core/random.js'
import type { AlarmLog } from '../diagnostics/alarm-log.js'
import { FactIngest } from '../ingest/fact-ingest.js'
import type { JournalIngest } from '../ingest/journal-ingest.js'
import type { Journal } from '../journal/journal.js'
import type { Shop } from './shop.js'

/** What terminals say, on its way to the journal; who says too much is named by an alarm. */
export function createFactIngest(rooms: {
  readonly shop: Shop
  readonly journal: Journal
  readonly ingest: JournalIngest
  readonly alarms: AlarmLog
}): FactIngest {
  const { shop, journal, ingest, alarms } = rooms
  return new FactIngest({
    ingest,
    journal,
    clock: systemClock,
    random: systemRandom,
    clockState: shop.clockState,
    timeZone: shop.config.timeZone,
    onBabbling: terminals => {
      if (terminals.length === 0) alarms.clear('line-babbling')
      else alarms.raise('line-babbling', `more than is kept comes from ${terminals.join(', ')}`)
    },
  })
}
