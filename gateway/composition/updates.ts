import { systemClock } from '../core/clock.js'
import { isWithinHours } from '../core/hours.js'
import { UpdateLock } from '../core/update-lock.js'
import type { AlarmLog } from '../diagnostics/alarm-log.js'
import { UpdateGuard } from '../diagnostics/update-guard.js'
import type { Journal } from '../journal/journal.js'
import type { Shop } from './shop.js'

/** Keeps updates away while one would cost the shop something. */
export function createUpdateGuard(rooms: {
  readonly shop: Shop
  readonly journal: Journal
  readonly alarms: AlarmLog
}): UpdateGuard {
  const { shop, journal, alarms } = rooms
  const { updates, timeZone } = shop.config
  const uid = process.getuid?.() ?? 0
  return new UpdateGuard({
    lock: new UpdateLock({ path: updates.lock, uid }),
    isQuiet: () =>
      updates.quiet === undefined || isWithinHours(updates.quiet, systemClock.wallMs(), timeZone),
    reasons: () => {
      const { backlog } = journal.statistics()
      return [
        ...(shop.instruments.ingest.waitingMs > 0 ? ['what a terminal said is being kept'] : []),
        ...(backlog > updates.backlog ? ['HQ has not confirmed what the journal holds'] : []),
      ]
    },
    alarms,
    clock: systemClock,
    logger: shop.logger.child({ room: 'diagnostics' }),
  })
}
