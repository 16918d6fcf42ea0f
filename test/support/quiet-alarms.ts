import { systemClock } from '../../gateway/core/clock.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import { AlarmLog } from '../../gateway/diagnostics/alarm-log.js'
import { STORE } from './sample.js'

/** Alarms that stand as they would, and go into no journal. */
export function quietAlarms(): AlarmLog {
  return new AlarmLog({
    journal: async () => true,
    store: STORE,
    timeZone: 'UTC',
    clock: systemClock,
    random: systemRandom,
    clockState: () => 'synced',
    logger: silentLogger,
  })
}
