import type { Door } from '../broker/doors.js'
import { LocalBroker } from '../broker/local-broker.js'
import type { Inbox } from '../broker/visitor.js'
import type { BrokerConfig } from '../config/broker.js'
import type { Endpoint } from '../config/fields.js'
import { publisherOf } from '../config/line.js'
import type { ShopConfig } from '../config/schema.js'
import { systemClock } from '../core/clock.js'
import { messageOf } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { systemRandom } from '../core/random.js'
import { decodeEvent } from '../event/event.js'
import type { Journal } from '../journal/journal.js'
import { PublishLine } from '../line/transport/publish-line.js'
import { framePublished } from '../profile/over-mqtt.js'
import { encodeFanOut } from '../wire/fan-out.js'
import type { JournalRecord } from '../wire/record.js'
import { readPem } from './connection.js'
import type { Shop } from './shop.js'

/** The lines of the terminals that publish to the broker, by their ids. */
function createPublishLines(config: ShopConfig): ReadonlyMap<string, PublishLine> {
  const clock = systemClock
  return new Map(
    config.terminals.flatMap(({ id, line }) => {
      if (line.type !== 'mqtt') return []
      return [[id, new PublishLine({ address: publisherOf(line), clock, frame: framePublished })]]
    }),
  )
}

/** The broker, and the lines that lead through it. @throws TillbridgeError TB_CONFIG_UNREADABLE */
export function createBroker(shop: Shop): {
  readonly broker: LocalBroker | undefined
  readonly publishLines: ReadonlyMap<string, PublishLine>
} {
  const publishLines = createPublishLines(shop.config)
  return { broker: brokerOf(shop, publishLines), publishLines }
}

function brokerOf(
  { config, store, logger }: Shop,
  lines: ReadonlyMap<string, PublishLine>,
): LocalBroker | undefined {
  if (config.broker === 'off') return undefined
  const { clients, limits } = config.broker
  const root = `${config.hq.topicRoot}/${store}`
  return new LocalBroker({
    id: `tillbridge-${store}`,
    ...doorsOf(config.broker),
    maxPacketBytes: LIMITS.shopPacketBytes,
    limits,
    clients: clients.map(({ name, read, write, ...client }) => ({
      ...client,
      username: name,
      rules: { read, write },
      inboxes: inboxesOf({ client: name, config, lines }),
    })),
    // Without credentials in the configuration, whoever reaches the address may listen and no more.
    ...(clients.length === 0
      ? { anonymous: { read: [`${root}/events/#`, `${root}/up/status`], write: [] } }
      : {}),
    random: systemRandom,
    logger: logger.child({ room: 'broker' }),
  })
}

function doorsOf({ listen, websocket, tls }: BrokerConfig) {
  const door = (
    protocol: NonNullable<Door['protocol']>,
    at: Endpoint | undefined,
  ): readonly Door[] => (at === undefined ? [] : [{ protocol, ...at }])
  const plain = [...door('mqtt', listen), ...door('ws', websocket)]
  if (tls === undefined) return { listen: plain }
  const { certFile, keyFile, clientCaFile } = tls
  return {
    listen: [...plain, ...door('mqtts', tls.listen), ...door('wss', tls.websocket)],
    tls: {
      cert: readPem(certFile),
      key: readPem(keyFile),
      ...(clientCaFile === undefined ? {} : { clientCa: readPem(clientCaFile) }),
    },
  }
}

function inboxesOf(options: {
  readonly client: string
  readonly config: ShopConfig
  readonly lines: ReadonlyMap<string, PublishLine>
}): ReadonlyMap<string, Inbox> {
  const { client, config, lines } = options
  return new Map(
    config.terminals.flatMap(({ id, line }) => {
      const inbox = lines.get(id)
      const isItsOwn = inbox !== undefined && line.type === 'mqtt' && line.client === client
      return isItsOwn ? [[line.topic, inbox]] : []
    }),
  )
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
