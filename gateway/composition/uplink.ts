import { systemClock } from '../core/clock.js'
import { systemRandom } from '../core/random.js'
import type { Journal } from '../journal/journal.js'
import type { MqttConnection } from '../mqtt/connection.js'
import { Uplink } from '../uplink/uplink.js'
import type { Shop } from './shop.js'

export function createUplink(rooms: {
  readonly shop: Shop
  readonly journal: Journal
  readonly connection: MqttConnection
}): Uplink {
  const { topics, store, config, software, instruments, logger } = rooms.shop
  return new Uplink({
    connection: rooms.connection,
    journal: rooms.journal,
    topics,
    store,
    mode: config.hq.mode,
    software,
    progress: instruments.journey,
    clock: systemClock,
    random: systemRandom,
    logger: logger.child({ room: 'uplink' }),
  })
}
