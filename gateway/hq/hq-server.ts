import type { Clock } from '../core/clock.js'
import { messageOf } from '../core/errors.js'
import type { Logger } from '../core/log.js'
import type { Random } from '../core/random.js'
import type { MqttConnection } from '../mqtt/connection.js'
import { encodeLedgerGeneration } from '../wire/hello.js'
import type { Topics } from '../wire/topics.js'
import { FanOut } from './fan-out.js'
import type { Ledger } from './ledger.js'
import { ReceiptSender } from './receipt-sender.js'
import { Receiver, type ReceiverCounters } from './receiver.js'

/** HQ's side of the wire on one ledger and one connection, which whoever made them closes. */
export class HqServer {
  readonly #connection: MqttConnection
  readonly #ledger: Ledger
  readonly #topics: Topics
  readonly #logger: Logger
  readonly #receiver: Receiver
  readonly #fanOut: FanOut
  readonly #cleanUps: (() => void)[] = []

  constructor(options: {
    readonly ledger: Ledger
    readonly connection: MqttConnection
    readonly topics: Topics
    readonly logger: Logger
    readonly clock: Clock
    readonly random: Random
  }) {
    this.#connection = options.connection
    this.#ledger = options.ledger
    this.#topics = options.topics
    this.#logger = options.logger
    this.#fanOut = new FanOut(options)
    this.#receiver = new Receiver({
      ...options,
      receipts: new ReceiptSender(options),
      onCommitted: () => this.#fanOut.wake(),
    })
  }

  get counters(): ReceiverCounters & { readonly fannedOut: number } {
    return { ...this.#receiver.counters, fannedOut: this.#fanOut.publishedTotal }
  }

  start(): void {
    this.#receiver.start()
    this.#fanOut.start()
    this.#cleanUps.push(
      this.#connection.onState(({ type }) => {
        if (type !== 'online') return
        void this.#announce()
        this.#fanOut.wake()
      }),
    )
  }

  /**
   * Commits what has arrived; what has not been published stays in the outbox. Stop the connection
   * together with it, for it waits for answers that a dead link would owe until they time out.
   */
  async stop(): Promise<void> {
    for (const cleanUp of this.#cleanUps.splice(0)) cleanUp()
    await Promise.all([this.#receiver.stop(), this.#fanOut.stop()])
  }

  /** Stores that waited for us in vain say hello at this. */
  async #announce(): Promise<void> {
    try {
      const payload = encodeLedgerGeneration(await this.#ledger.generation())
      await this.#connection.publish({ topic: this.#topics.ledger, payload, retain: true })
    } catch (thrown) {
      this.#logger.warn({ reason: messageOf(thrown) }, 'the ledger was not announced')
    }
  }
}
