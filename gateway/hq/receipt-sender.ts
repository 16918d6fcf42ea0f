import { messageOf } from '../core/errors.js'
import type { StoreId } from '../core/ids.js'
import type { Logger } from '../core/log.js'
import type { MqttConnection } from '../mqtt/connection.js'
import { encodeReceipt } from '../wire/receipt.js'
import type { Topics } from '../wire/topics.js'
import type { Ledger } from './ledger.js'

/** Batches that a store may have in flight (sync.md, rule 4). */
const CREDIT = 8

/**
 * Publishes what stands committed, retained. One receipt of a store at a time, each read from the
 * ledger after the one before went out: an older one never overtakes a newer one.
 */
export class ReceiptSender {
  readonly #ledger: Ledger
  readonly #connection: MqttConnection
  readonly #topics: Topics
  readonly #logger: Logger
  /** Stores with a receipt on its way; true where another is due behind it. */
  readonly #busy = new Map<StoreId, boolean>()

  constructor(options: {
    readonly ledger: Ledger
    readonly connection: MqttConnection
    readonly topics: Topics
    readonly logger: Logger
  }) {
    this.#ledger = options.ledger
    this.#connection = options.connection
    this.#topics = options.topics
    this.#logger = options.logger
  }

  /** Something of the store was committed, or it asks: it is to have a receipt that says so. */
  due(store: StoreId): void {
    const isBusy = this.#busy.has(store)
    this.#busy.set(store, isBusy)
    if (!isBusy) void this.#sendWhileDue(store)
  }

  async #sendWhileDue(store: StoreId): Promise<void> {
    do {
      this.#busy.set(store, false)
      await this.#send(store)
    } while (this.#busy.get(store) === true)
    this.#busy.delete(store)
  }

  async #send(store: StoreId): Promise<void> {
    try {
      const { ledger, epochs } = await this.#ledger.receipt(store)
      const payload = encodeReceipt({ v: 1, ledger, epochs: [...epochs], credit: CREDIT })
      await this.#connection.publish({ topic: this.#topics.receipt(store), payload, retain: true })
    } catch (thrown) {
      // The store asks again with hello when none comes.
      this.#logger.warn({ store, reason: messageOf(thrown) }, 'a receipt was not sent')
    }
  }
}
