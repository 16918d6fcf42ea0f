import { messageOf } from '../core/errors.js'
import type { StoreId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import type { Logger } from '../core/log.js'
import type { MqttConnection } from '../mqtt/connection.js'
import { encodeReceipt } from '../wire/receipt.js'
import type { Topics } from '../wire/topics.js'
import type { Ledger, LedgerReceipt } from './ledger.js'
import { takenBack } from './receipt-coverage.js'

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
  readonly #onTakenBack: (told: LedgerReceipt) => Promise<void>
  /** Stores with a receipt on its way; true where another is due behind it. */
  readonly #busy = new Map<StoreId, boolean>()
  /** The last receipt of each store. */
  readonly #told = new Map<StoreId, LedgerReceipt>()

  constructor(options: {
    readonly ledger: Ledger
    readonly connection: MqttConnection
    readonly topics: Topics
    readonly logger: Logger
    /**
     * The ledger no longer holds what this receipt of it said: its database was restored, or a
     * standby that lagged took over. Nothing more is sent in this generation.
     */
    readonly onTakenBack: (told: LedgerReceipt) => Promise<void>
  }) {
    this.#ledger = options.ledger
    this.#connection = options.connection
    this.#topics = options.topics
    this.#logger = options.logger
    this.#onTakenBack = options.onTakenBack
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
      const receipt = await this.#ledger.receipt(store)
      const told = this.#told.get(store)
      if (told !== undefined && (await this.#isTakenBack(store, { told, now: receipt })))
        return await this.#onTakenBack(told)
      this.#told.set(store, receipt)
      const { ledger, epochs } = receipt
      // More than a hello names there are only of a store that never said hello: the newest do.
      const named = epochs.slice(-2 * LIMITS.helloEpochs)
      const payload = encodeReceipt({ v: 1, ledger, epochs: named, credit: CREDIT })
      await this.#connection.publish({ topic: this.#topics.receipt(store), payload, retain: true })
    } catch (thrown) {
      // The store asks again with hello when none comes.
      this.#logger.warn({ store, reason: messageOf(thrown) }, 'a receipt was not sent')
    }
  }

  async #isTakenBack(
    store: StoreId,
    receipts: { readonly told: LedgerReceipt; readonly now: LedgerReceipt },
  ): Promise<boolean> {
    const { told, now } = receipts
    if (told.ledger !== now.ledger || takenBack(told.epochs, now.epochs) === undefined) return false
    // The store may only have let go of an epoch: then the ledger still has it.
    const asked = new Set(told.epochs.map(({ epoch }) => epoch))
    const { ledger, epochs } = await this.#ledger.receipt(store, asked)
    return ledger === told.ledger && takenBack(told.epochs, epochs) !== undefined
  }
}
