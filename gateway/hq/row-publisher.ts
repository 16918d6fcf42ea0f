import { messageOf, TillbridgeError } from '../core/errors.js'
import type { Logger } from '../core/log.js'
import { decodeEvent } from '../event/event.js'
import type { MqttConnection } from '../mqtt/connection.js'
import { encodeFanOut } from '../wire/fan-out.js'
import type { Topics } from '../wire/topics.js'
import type { LedgerRow } from './ledger.js'

/** What became of a row that was offered to the broker. */
export type RowOutcome =
  /** Published, or no event that anyone could be told. */
  | { readonly type: 'done' }
  /** It would be refused again: the row alone, or whatever is for its topic. */
  | { readonly type: 'refused'; readonly reason: string; readonly topic?: string }
  /** Not connected, or no PUBACK: nobody knows. */
  | { readonly type: 'unanswered'; readonly reason: string }

const DONE: RowOutcome = { type: 'done' }

/** Publishes rows of the ledger, each as an event on its topic. */
export class RowPublisher {
  readonly #connection: MqttConnection
  readonly #topics: Topics
  readonly #logger: Logger
  #publishedTotal = 0

  constructor(options: {
    readonly connection: MqttConnection
    readonly topics: Topics
    readonly logger: Logger
  }) {
    this.#connection = options.connection
    this.#topics = options.topics
    this.#logger = options.logger
  }

  /** Events that the broker acknowledged since the start, repeats counted. */
  get publishedTotal(): number {
    return this.#publishedTotal
  }

  /** `isHeld`: whether nothing may go out on this topic now. */
  async publish(row: LedgerRow, isHeld: (topic: string) => boolean): Promise<RowOutcome> {
    const { event, header, recordedMs, historical, store, position } = row
    const decoded = event === undefined ? undefined : decodeEvent(event)
    if (decoded === undefined) return DONE
    if (!decoded.ok) {
      // It stands in the ledger for whoever reads that; here it would hold up every other event.
      this.#logger.error({ position, reason: decoded.error }, 'a row that is no event: left out')
      return DONE
    }
    const { terminal, type } = decoded.value
    const topic = this.#topics.event(store, terminal, type)
    if (isHeld(topic)) return { type: 'refused', reason: 'behind an event that was refused', topic }
    const payload = encodeFanOut({ event: decoded.value, header, recordedMs, historical })
    try {
      await this.#connection.publish({ topic, payload })
    } catch (thrown) {
      return failed(thrown, topic)
    }
    this.#publishedTotal += 1
    return DONE
  }
}

function failed(thrown: unknown, topic: string): RowOutcome {
  const reason = messageOf(thrown)
  const code = thrown instanceof TillbridgeError ? thrown.code : undefined
  if (code === 'TB_MQTT_DENIED') return { type: 'refused', reason, topic }
  if (code === 'TB_MQTT_TOO_LARGE') return { type: 'refused', reason }
  return { type: 'unanswered', reason }
}
