import { messageOf } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { Logger } from '../core/log.js'
import type { Delivery, MqttConnection } from '../mqtt/connection.js'
import { Window } from '../mqtt/window.js'
import { decodeBatch } from '../wire/batch.js'
import { decodeHello } from '../wire/hello.js'
import { shared, type Topics } from '../wire/topics.js'
import type { Ledger } from './ledger.js'
import type { ReceiptSender } from './receipt-sender.js'

/** What the receiver has seen since it started. */
export interface ReceiverCounters {
  readonly batches: number
  /** Records that were new to the ledger. */
  readonly stored: number
  readonly duplicates: number
  readonly conflicts: number
  /** Positions sent again. */
  readonly repeated: number
  /** Messages that were no batch or hello, or of another store than their topic says. */
  readonly refused: number
  /** Batches that the ledger could not keep: no receipt was sent, the store sends them again. */
  readonly failed: number
}

/** Takes hello and batches of all stores: commit first, then the receipt (sync.md, rule 5). */
export class Receiver {
  readonly #ledger: Ledger
  readonly #connection: MqttConnection
  readonly #topics: Topics
  readonly #receipts: ReceiptSender
  readonly #logger: Logger
  readonly #commits = new Window(LIMITS.hqCommits)
  readonly #running = new Set<Promise<void>>()
  readonly #unsubscribe: (() => void)[] = []
  #counters: ReceiverCounters = {
    batches: 0,
    stored: 0,
    duplicates: 0,
    conflicts: 0,
    repeated: 0,
    refused: 0,
    failed: 0,
  }

  constructor(options: {
    readonly ledger: Ledger
    readonly connection: MqttConnection
    readonly topics: Topics
    readonly receipts: ReceiptSender
    readonly logger: Logger
  }) {
    this.#ledger = options.ledger
    this.#connection = options.connection
    this.#topics = options.topics
    this.#receipts = options.receipts
    this.#logger = options.logger
  }

  get counters(): ReceiverCounters {
    return this.#counters
  }

  /** Takes messages from now on; with `isShared` those that no other receiver is given. */
  listen({ isShared }: { readonly isShared: boolean }): void {
    const { hello, journal } = this.#topics.every
    const receive = {
      [hello]: (delivery: Delivery) => this.#greet(delivery),
      [journal]: (delivery: Delivery) => this.#receive(delivery),
    }
    for (const [filter, handle] of Object.entries(receive))
      this.#unsubscribe.push(
        this.#connection.subscribe(isShared ? shared(filter) : filter, delivery =>
          this.#admit(() => handle(delivery)),
        ),
      )
  }

  /** Takes no more messages until told to. */
  pause(): void {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe()
  }

  /** Takes nothing more, drops what waits (its store sends it again), and awaits the commits. */
  async stop(): Promise<void> {
    this.pause()
    this.#commits.close(new Error('HQ is stopping'))
    await Promise.all(this.#running)
  }

  /**
   * Returns as soon as there is room for one more write, so that batches of many stores share one;
   * the broker holds back the rest. The receipt, not the PUBACK, is what a store goes by.
   */
  async #admit(receive: () => Promise<void>): Promise<void> {
    const release = await this.#commits.acquire().catch(() => undefined)
    // We are stopping: without a receipt its store sends it again.
    if (release === undefined) return
    const received = receive().finally(() => {
      release()
      this.#running.delete(received)
    })
    this.#running.add(received)
  }

  async #greet({ topic, payload }: Delivery): Promise<void> {
    const store = this.#topics.storeOf(topic, 'hello')
    const hello = decodeHello(payload)
    if (store === undefined || !hello.ok)
      return this.#refuse({ topic, reason: hello.ok ? 'not a store id' : hello.error })
    this.#logger.info({ store, software: hello.value.software }, 'hello')
    try {
      const alarms = await this.#ledger.greet(store, hello.value)
      for (const alarm of alarms) this.#logger.error({ store }, alarm)
    } catch (thrown) {
      // The store asks again with another hello.
      this.#logger.error({ store, reason: messageOf(thrown) }, 'a hello was not noted')
      return
    }
    this.#receipts.due(store)
  }

  async #receive({ topic, payload }: Delivery): Promise<void> {
    const store = this.#topics.storeOf(topic, 'journal')
    const batch = await decodeBatch(payload)
    if (!batch.ok) return this.#refuse({ topic, reason: batch.error })
    const { header } = batch.value
    if (store === undefined || header.store !== store)
      return this.#refuse({ topic, reason: `a batch that claims to be of store ${header.store}` })
    try {
      const result = await this.#ledger.commit(batch.value)
      this.#count(result)
      for (const alarm of result.alarms) this.#logger.error({ store }, alarm)
    } catch (thrown) {
      this.#counters = { ...this.#counters, failed: this.#counters.failed + 1 }
      this.#logger.error({ store, reason: messageOf(thrown) }, 'a batch was not committed')
      return
    }
    this.#receipts.due(store)
  }

  #count(result: Pick<ReceiverCounters, 'stored' | 'duplicates' | 'conflicts' | 'repeated'>): void {
    const counters = this.#counters
    this.#counters = {
      ...counters,
      batches: counters.batches + 1,
      stored: counters.stored + result.stored,
      duplicates: counters.duplicates + result.duplicates,
      conflicts: counters.conflicts + result.conflicts,
      repeated: counters.repeated + result.repeated,
    }
  }

  #refuse(refusal: { readonly topic: string; readonly reason: string }): void {
    this.#counters = { ...this.#counters, refused: this.#counters.refused + 1 }
    this.#logger.error({ code: 'TB_BATCH_INVALID', ...refusal }, 'a message was refused')
  }
}
