import { systemClock } from '../core/clock.js'
import { messageOf } from '../core/errors.js'
import { systemRandom } from '../core/random.js'
import type { AlarmLog } from '../diagnostics/alarm-log.js'
import { type Event, encodeEvent } from '../event/event.js'
import type { Journal } from '../journal/journal.js'
import { Notary } from '../journal/notary.js'
import type { MqttConnection } from '../mqtt/connection.js'
import type { StoreKey } from '../security/store-key.js'
import type { Shop } from './shop.js'

export function createNotary(rooms: {
  readonly shop: Shop
  readonly journal: Journal
  readonly storeKey: StoreKey
  readonly alarms: AlarmLog
}): Notary {
  const { shop, journal, storeKey, alarms } = rooms
  const { key, made } = storeKey
  const logger = shop.logger.child({ room: 'journal' })
  if (made !== undefined) logger.debug({ publicKey: key.publicKey, made }, "the store's key is new")
  return new Notary({
    journal,
    key,
    ...(made === undefined ? {} : { keyMade: made }),
    onKeyChanged: cause =>
      alarms.raise('key-changed', `The store signs with another key than before: ${cause}.`),
    store: shop.store,
    timeZone: shop.config.timeZone,
    clock: systemClock,
    random: systemRandom,
    clockState: shop.clockState,
    logger,
  })
}

/** The newest statement for whoever looks at the broker alone; the journal carries them all. */
export function copyStatements(options: {
  readonly shop: Shop
  readonly journal: Journal
  readonly connection: MqttConnection
}): () => void {
  const { shop, journal, connection } = options
  const topic = shop.topics.statement(shop.store)
  const publish = async (event: Event | undefined): Promise<void> => {
    if (event === undefined || connection.state.type !== 'online') return
    await connection.publish({ topic, payload: encodeEvent(event), retain: true })
  }
  const copy = (): void => {
    journal
      .newest('journal.statement')
      .then(publish)
      .catch(thrown => shop.logger.debug({ reason: messageOf(thrown) }, 'no copy of a statement'))
  }
  const silences = [
    connection.onState(({ type }) => {
      if (type === 'online') copy()
    }),
    journal.onAppended(records => {
      if (records.some(({ header }) => header.type === 'journal.statement')) copy()
    }),
  ]
  return () => {
    for (const silence of silences) silence()
  }
}
