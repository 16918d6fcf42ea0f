import type { Random } from '../../gateway/core/random.js'
import type { Ledger } from '../../gateway/hq/ledger.js'
import type { Journal } from '../../gateway/journal/journal.js'
import type { MqttConnection } from '../../gateway/mqtt/connection.js'

export interface UplinkParts {
  readonly journal: Journal
  readonly connection: MqttConnection
}

/** Where a mutation of the protocol takes hold: it puts something else before the real thing. */
export interface Seams {
  readonly uplink?: (parts: UplinkParts) => UplinkParts
  readonly ledger?: (ledger: Ledger) => Ledger
  readonly journalRandom?: (random: Random) => Random
}
