import type { LocalBroker } from '../broker/local-broker.js'
import { systemClock } from '../core/clock.js'
import type { AlarmLog } from '../diagnostics/alarm-log.js'
import type { ClockWatch } from '../diagnostics/clock-watch.js'
import { StatusReporter } from '../diagnostics/status-reporter.js'
import type { Documents } from '../downlink/documents.js'
import type { Journal } from '../journal/journal.js'
import type { MirrorKeeper } from '../journal/mirror-keeper.js'
import type { SpaceKeeper } from '../journal/space-keeper.js'
import type { TerminalSupervisor } from '../terminal/supervisor.js'
import type { Uplink } from '../uplink/uplink.js'
import { encodeStatus, type StoreStatus } from '../wire/status.js'
import type { Commands } from './downlink.js'
import type { Shop } from './shop.js'

export function composeStatus(rooms: {
  readonly shop: Shop
  readonly journal: Journal
  readonly mirror: MirrorKeeper | undefined
  readonly keeper: SpaceKeeper
  readonly terminals: TerminalSupervisor
  readonly uplink: Uplink
  readonly downlink: Commands | undefined
  readonly documents: Documents | undefined
  readonly alarms: AlarmLog
  readonly clockWatch: ClockWatch
}): StoreStatus {
  const { shop, journal, mirror, keeper, terminals, uplink, downlink, documents } = rooms
  const { alarms, clockWatch } = rooms
  const { latest: clockCorrected } = clockWatch
  const { retention, records, backlog, oldestUnconfirmed } = journal.statistics()
  const { journalBytes: bytes, quotaBytes, autonomyHours } = keeper.report
  const { mode } = shop.config.hq
  const buses = terminals.busStatuses.map(bus => ({ ...bus, members: [...bus.members] }))
  return {
    v: 1,
    online: true,
    store: shop.store,
    software: shop.software,
    mode,
    startedAt: shop.startedAt,
    epoch: journal.epoch,
    clock: shop.clockState(),
    ...(clockCorrected === undefined ? {} : { clockCorrected }),
    journal: {
      records,
      backlog,
      ...(oldestUnconfirmed === undefined ? {} : { oldestUnconfirmed }),
      bytes,
      quotaBytes,
      ...(autonomyHours === undefined ? {} : { autonomyHours }),
    },
    copies: mirror?.report ?? { state: 'off' },
    uplink: uplink.status,
    retention: mode === 'direct' ? 'direct' : retention,
    alarms: [...alarms.standing],
    ...(downlink === undefined ? {} : { commands: downlink.status }),
    ...(documents === undefined ? {} : { documents: documents.status }),
    terminals: [...terminals.statuses],
    ...(buses.length === 0 ? {} : { buses }),
  }
}

/** Tells shop and HQ how the store is. */
export function createStatusReporter(rooms: {
  readonly shop: Shop
  readonly broker: LocalBroker | undefined
  readonly uplink: Uplink
  readonly compose: () => StoreStatus
}): StatusReporter {
  const { shop, broker, uplink, compose } = rooms
  const topic = shop.topics.status(shop.store)
  return new StatusReporter({
    compose,
    toShop: async status => {
      await broker?.publish({ topic, payload: encodeStatus(status), retain: true })
    },
    toHq: status => uplink.publishStatus(status),
    clock: systemClock,
    logger: shop.logger.child({ room: 'diagnostics' }),
  })
}
