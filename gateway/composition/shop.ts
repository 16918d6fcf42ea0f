import type { Environment } from '../config/environment.js'
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

/** A configuration's file, and what overrides it. */
export interface ConfigPlace {
  readonly file: string
  readonly env: Environment
}

/** What every room of one gateway shares. */
export interface Shop {
  readonly config: ShopConfig
  readonly store: StoreId
  readonly topics: Topics
  readonly software: string
  /** Absent where the configuration is from no file. */
  readonly configPlace?: ConfigPlace
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
  readonly configPlace?: ConfigPlace
}): Shop {
  const { config, logger, logs, configPlace } = options
  return {
    config,
    ...(configPlace === undefined ? {} : { configPlace }),
    logger,
    store: storeId(config.store),
    topics: topicsUnder(config.hq.topicRoot),
    software: softwareVersion(),
    startedAt: rfc3339(systemClock.wallMs(), config.timeZone),
    clockState: openKernelClock(),
    instruments: createInstruments(logs),
  }
}
