import type { LocalBroker } from '../broker/local-broker.js'
import { systemClock } from '../core/clock.js'
import { Documents } from '../downlink/documents.js'
import type { FactIngest } from '../ingest/fact-ingest.js'
import type { Journal } from '../journal/journal.js'
import type { MqttConnection } from '../mqtt/connection.js'
import { denier } from './denier.js'
import type { Shop } from './shop.js'

/** Nothing where the shop pins no key of HQ: then no document is believed. */
export async function openDocuments(rooms: {
  readonly shop: Shop
  readonly journal: Journal
  readonly connection: MqttConnection
  readonly facts: FactIngest
  readonly broker: LocalBroker | undefined
}): Promise<Documents | undefined> {
  const { shop, journal, connection, facts, broker } = rooms
  const { store, topics, config, clockState } = shop
  if (config.hq.keys.length === 0) return undefined
  return Documents.open({
    ...{ store, topics, journal, connection, clockState },
    keys: config.hq.keys,
    takers: [],
    own: {},
    offer: async message => broker?.publish(message),
    deny: denier({ shop, facts, door: 'document' }),
    timeZone: config.timeZone,
    clock: systemClock,
    logger: shop.logger.child({ room: 'downlink' }),
  })
}
