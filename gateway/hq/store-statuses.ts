import type { Clock } from '../core/clock.js'
import type { StoreId } from '../core/ids.js'
import type { Logger } from '../core/log.js'
import type { Delivery, MqttConnection } from '../mqtt/connection.js'
import { decodeStatus, type StoreStatus } from '../wire/status.js'
import type { Topics } from '../wire/topics.js'

/** The last that was heard of a store. */
export interface StoreReport {
  /** Its own words while it is online; the broker says when it no longer is. */
  readonly status: StoreStatus | { readonly online: false }
  /** When, in milliseconds since 1970. */
  readonly heardMs: number
}

/** What the stores say of themselves, in memory: their retained statuses bring it back. */
export class StoreStatuses {
  readonly #topics: Topics
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #reports = new Map<StoreId, StoreReport>()

  constructor(options: {
    readonly topics: Topics
    readonly clock: Clock
    readonly logger: Logger
  }) {
    this.#topics = options.topics
    this.#clock = options.clock
    this.#logger = options.logger
  }

  get reports(): ReadonlyMap<StoreId, StoreReport> {
    return this.#reports
  }

  /** Returns the way to stop listening. */
  listen(connection: MqttConnection): () => void {
    return connection.subscribe(this.#topics.every.status, delivery => this.#hear(delivery))
  }

  #hear({ topic, payload }: Delivery): void {
    const store = this.#topics.storeOf(topic, 'status')
    const status = decodeStatus(payload)
    if (store === undefined || !status.ok || status.value.store !== store) {
      const reason = status.ok ? 'of another store than its topic says' : status.error
      this.#logger.warn({ topic, reason }, 'a status was refused')
      return
    }
    this.#reports.set(store, { status: status.value, heardMs: this.#clock.wallMs() })
  }
}
