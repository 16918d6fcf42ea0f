import { systemClock } from '../core/clock.js'
import { healthFile } from '../core/health-file.js'
import type { ServiceManager } from '../core/service-manager.js'
import type { AlarmLog } from '../diagnostics/alarm-log.js'
import { CableWatch } from '../diagnostics/cable-watch.js'
import { HealthWatch } from '../diagnostics/health.js'
import { LoopDelay } from '../diagnostics/loop-delay.js'
import { MetricsServer } from '../diagnostics/metrics-server.js'
import { ServiceWatchdog } from '../diagnostics/service-watchdog.js'
import type { Journal } from '../journal/journal.js'
import type { TerminalSupervisor } from '../terminal/supervisor.js'
import type { StoreStatus } from '../wire/status.js'
import type { Shop } from './shop.js'

export function createCableWatch(rooms: {
  readonly terminals: TerminalSupervisor
  readonly alarms: AlarmLog
}): CableWatch {
  const { terminals, alarms } = rooms
  return new CableWatch({ lines: () => terminals.statuses, alarms, clock: systemClock })
}

/** One for each that wants a sign of life: the service manager that started us, a health check. */
export function createWatchdogs(
  shop: Shop,
  manager: ServiceManager | undefined,
): readonly ServiceWatchdog[] {
  const { config, instruments } = shop
  const { healthFile: path } = config
  const logger = shop.logger.child({ room: 'diagnostics' })
  const journalMs = (): number => instruments.ingest.waitingMs
  const file = path === undefined ? undefined : healthFile({ path, pid: process.pid })
  return [manager, file]
    .filter(one => one !== undefined)
    .map(one => new ServiceWatchdog({ manager: one, journalMs, clock: systemClock, logger }))
}

/**
 * Prometheus and health, where the shop asks for them; returns the way to stop.
 * @throws TillbridgeError TB_METRICS_LISTEN
 */
export async function serveMetrics(rooms: {
  readonly shop: Shop
  readonly journal: Journal
  readonly terminals: TerminalSupervisor
  readonly status: () => StoreStatus
}): Promise<() => Promise<void>> {
  const { shop, journal, terminals, status } = rooms
  const { instruments } = shop
  const { metrics: settings } = shop.config
  if (settings === undefined) return async () => undefined
  // 12 MB of memory that a shop without Prometheus keeps.
  const { Metrics } = await import('../diagnostics/metrics.js')
  const [loop, healthLoop] = [new LoopDelay(), new LoopDelay()]
  const memoryBytes = (): number => process.memoryUsage.rss()
  const metrics = new Metrics({ ...instruments, status, loop, memoryBytes, clock: systemClock })
  const health = new HealthWatch(systemClock)
  const server = new MetricsServer({
    port: settings.port,
    metrics: () => metrics.read(),
    health: () => {
      const { refusal } = journal.statistics()
      return health.judge({
        loopMs: healthLoop.take().maxMs,
        journalMs: instruments.ingest.waitingMs,
        ...(refusal === undefined ? {} : { refusal }),
        terminals: terminals.statuses.map(({ state }) => state),
      })
    },
  })
  await server.start()
  loop.start()
  healthLoop.start()
  return async () => {
    loop.stop()
    healthLoop.stop()
    await server.stop()
  }
}
