import { LocalBroker } from '../broker/local-broker.js'
import { systemClock } from '../core/clock.js'
import { messageOf } from '../core/errors.js'
import { systemRandom } from '../core/random.js'
import { decodeEvent } from '../event/event.js'
import type { Journal } from '../journal/journal.js'
import { encodeFanOut } from '../wire/fan-out.js'
import type { JournalRecord } from '../wire/record.js'
import type { Shop } from './shop.js'

export function createBroker(shop: Shop): LocalBroker | undefined {
  const { config, store, logger } = shop
  if (config.broker === 'off') return undefined
  const { listen, clients } = config.broker
  const root = `${config.hq.topicRoot}/${store}`
  return new LocalBroker({
    id: `tillbridge-${store}`,
    listen,
    clients: clients.map(({ name, passwordHash, read, write }) => ({
      username: name,
      passwordHash,
      rules: { read, write },
    })),
    // Without credentials in the configuration, whoever reaches the address may listen and no more.
    ...(clients.length === 0
      ? { anonymous: { read: [`${root}/events/#`, `${root}/up/status`], write: [] } }
      : {}),
    random: systemRandom,
    logger: logger.child({ room: 'broker' }),
  })
}

/** Shop subscribers hear every event once it is journaled, on the topics HQ uses. */
export function echoInShop(options: {
  readonly shop: Shop
  readonly journal: Journal
  readonly broker: LocalBroker
}): () => void {
  const { shop, journal, broker } = options
  const publish = async (record: JournalRecord): Promise<void> => {
    if (record.body.type !== 'event') return
    const event = decodeEvent(record.body.bytes)
    if (!event.ok) return
    const { store, terminal, type } = event.value
    await broker.publish({
      topic: shop.topics.event(store, terminal, type),
      payload: encodeFanOut({
        event: event.value,
        header: record.header,
        recordedMs: systemClock.wallMs(),
        historical: false,
      }),
    })
  }
  return journal.onAppended(records => {
    for (const record of records)
      publish(record).catch(thrown =>
        shop.logger.warn({ reason: messageOf(thrown) }, 'an event was not heard in the shop'),
      )
  })
}
