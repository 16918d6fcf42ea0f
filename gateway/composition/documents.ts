import type { LocalBroker } from '../broker/local-broker.js'
import { systemClock } from '../core/clock.js'
import { type TerminalId, terminalId } from '../core/ids.js'
import type { DocumentTaker } from '../downlink/document-push.js'
import { Documents } from '../downlink/documents.js'
import type { FactIngest } from '../ingest/fact-ingest.js'
import type { Journal } from '../journal/journal.js'
import type { MqttConnection } from '../mqtt/connection.js'
import type { TerminalSupervisor } from '../terminal/supervisor.js'
import { denier } from './denier.js'
import { ownDocuments } from './own-documents.js'
import type { ProfileReload } from './profile-reload.js'
import type { Shop } from './shop.js'

/** Nothing where the shop pins no key of HQ: then no document is believed. */
export async function openDocuments(rooms: {
  readonly shop: Shop
  readonly journal: Journal
  readonly connection: MqttConnection
  readonly facts: FactIngest
  readonly terminals: TerminalSupervisor
  readonly broker: LocalBroker | undefined
  readonly reload: ProfileReload
  readonly restart: () => void
}): Promise<Documents | undefined> {
  const { shop, journal, connection, facts, terminals, broker, reload, restart } = rooms
  const { store, topics, config, clockState } = shop
  if (config.hq.keys.length === 0) return undefined
  return Documents.open({
    ...{ store, topics, journal, connection, clockState },
    keys: config.hq.keys,
    twoPerson: config.hq.twoPerson,
    takers: takersOf(
      config.terminals.map(({ id }) => terminalId(id)),
      terminals,
    ),
    own: ownDocuments(shop, { reload, restart }),
    offer: async message => broker?.publish(message),
    deny: denier({ shop, facts, door: 'document' }),
    timeZone: config.timeZone,
    clock: systemClock,
    logger: shop.logger.child({ room: 'downlink' }),
  })
}

/** The terminals of the shop: by what each speaks at the time, it takes some kinds of documents. */
function takersOf(
  ids: readonly TerminalId[],
  terminals: TerminalSupervisor,
): readonly DocumentTaker[] {
  return ids.map(terminal => ({
    terminal,
    takes: kind => terminals.documentsOf(terminal).get(kind),
    isThere: () => terminals.isConnected(terminal),
    command: async command => {
      const outcome = await terminals.order(terminal, command)
      return outcome.type === 'failed' ? outcome : { type: 'successful', values: {} }
    },
  }))
}
