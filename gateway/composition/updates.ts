import { systemClock } from '../core/clock.js'
import { isWithinHours } from '../core/hours.js'
import { UpdateLock } from '../core/update-lock.js'
import type { AlarmLog } from '../diagnostics/alarm-log.js'
import { UpdateGuard } from '../diagnostics/update-guard.js'
import type { CommandSink } from '../downlink/downlink.js'
import type { Journal } from '../journal/journal.js'
import type { CommandOutcome } from '../wire/command.js'
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

const CLOSING: CommandOutcome = {
  type: 'failed',
  reason: 'rejected',
  detail: 'the gateway is about to be updated: it was not begun',
}

/**
 * Money moves under the update lock, from before its first byte until its outcome is known. Where
 * the supervisor has the lock already, it does not begin.
 */
export function withoutUpdates(sink: CommandSink, updates: Pick<UpdateGuard, 'hold'>): CommandSink {
  return {
    ...sink,
    run: async (request, context) => {
      if (!sink.isMoney(request)) return sink.run(request, context)
      const { hold, release } = updates.hold('a payment is under way')
      try {
        return hold === 'closing' ? CLOSING : await sink.run(request, context)
      } finally {
        release()
      }
    },
    ask: (request, context) => {
      const { release } = updates.hold('a payment is asked for')
      return sink.ask(request, context).finally(release)
    },
  }
}
