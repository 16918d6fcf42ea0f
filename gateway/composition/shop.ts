import type { ShopConfig } from '../config/schema.js'
import type { StoreId } from '../core/ids.js'
import type { Logger } from '../core/log.js'
import type { ClockState } from '../event/event.js'
import type { Topics } from '../wire/topics.js'
import type { Instruments } from './instruments.js'

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
