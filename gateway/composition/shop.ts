import type { ShopConfig } from '../config/schema.js'
import { rfc3339, systemClock } from '../core/clock.js'
import { type StoreId, storeId } from '../core/ids.js'
import { openKernelClock } from '../core/kernel-clock.js'
import type { Logger } from '../core/log.js'
import { softwareVersion } from '../core/software.js'
import type { LogRing } from '../diagnostics/log-ring.js'
import type { ClockState } from '../event/event.js'
import { type Topics, topicsUnder } from '../wire/topics.js'
import { createInstruments, type Instruments } from './instruments.js'

/** What every room of one gateway shares. */
export interface Shop {
  readonly config: ShopConfig
  readonly store: StoreId
  readonly topics: Topics
  readonly software: string
  readonly startedAt: string
  readonly clockState: () => ClockState
  readonly instruments: Instruments
  readonly logger: Logger
}

/** `logs`: what the logger wrote last, where somebody may ask for it. */
export function createShop(options: {
  readonly config: ShopConfig
  readonly logger: Logger
  readonly logs?: LogRing
}): Shop {
  const { config, logger, logs } = options
  return {
    config,
    logger,
    store: storeId(config.store),
    topics: topicsUnder(config.hq.topicRoot),
    software: softwareVersion(),
    startedAt: rfc3339(systemClock.wallMs(), config.timeZone),
    clockState: openKernelClock(),
    instruments: createInstruments(logs),
  }
}
