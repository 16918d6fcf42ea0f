import type { Clock } from '../core/clock.js'
import { Doorbell } from '../core/doorbell.js'
import { messageOf } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { Logger } from '../core/log.js'
import type { Random } from '../core/random.js'
import type { MqttConnection } from '../mqtt/connection.js'
import type { Topics } from '../wire/topics.js'
import { FanOutTerm } from './fan-out-term.js'
import type { Leadership, Ledger } from './ledger.js'
import type { RefusedTopic } from './shelf.js'

/** Topics that the status names; the log has all. */
const NAMED_TOPICS = 20

export interface FanOutStatus {
  /** `follower`: another process publishes the outbox, and this one would take over. */
  readonly role: 'leader' | 'follower'
  /** Events published in this term, repeats counted. */
  readonly published: number
  /** Why nothing is published at all, where that is so. */
  readonly held?: string
  /** Events that the broker refused and that wait for it to take them. */
  readonly shelved: number
  readonly refused: readonly RefusedTopic[]
}

/**
 * Publishes what was committed on the events topics. Of all the servers on one database one does
 * it, and another takes over when that one ends.
 */
export class FanOut {
  readonly #ledger: Ledger
  readonly #connection: MqttConnection
  readonly #topics: Topics
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #random: Random
  readonly #bell: Doorbell
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  #term: FanOutTerm | undefined

  constructor(options: {
    readonly ledger: Ledger
    readonly connection: MqttConnection
    readonly topics: Topics
    readonly logger: Logger
    readonly clock: Clock
    readonly random: Random
  }) {
    this.#ledger = options.ledger
    this.#connection = options.connection
    this.#topics = options.topics
    this.#logger = options.logger
    this.#clock = options.clock
    this.#random = options.random
    this.#bell = new Doorbell(options.clock)
  }

  get status(): FanOutStatus {
    const term = this.#term
    if (term === undefined) return { role: 'follower', published: 0, shelved: 0, refused: [] }
    const { held, publisher, shelf } = term
    return {
      role: 'leader',
      published: publisher.publishedTotal,
      ...(held === undefined ? {} : { held }),
      shelved: shelf.rows,
      refused: shelf.refused.slice(0, NAMED_TOPICS),
    }
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** There may be a connection to publish on. */
  wake(): void {
    this.#bell.ring()
  }

  /** What the broker has not acknowledged stays in the outbox. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#bell.ring()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    const unsubscribe = this.#ledger.onCommitted(() => this.#bell.ring())
    while (!signal.aborted) {
      const leadership = await this.#ask()
      if (leadership === undefined) await this.#clock.sleep(LIMITS.leadAskMs, signal)
      else await this.#lead(leadership)
    }
    unsubscribe()
  }

  async #ask(): Promise<Leadership | undefined> {
    try {
      return await this.#ledger.lead()
    } catch (thrown) {
      this.#logger.warn({ reason: messageOf(thrown) }, 'nobody knows who leads the fan-out')
      return undefined
    }
  }

  async #lead(leadership: Leadership): Promise<void> {
    const signal = AbortSignal.any([leadership.lost, this.#stopping.signal])
    const ring = (): void => this.#bell.ring()
    signal.addEventListener('abort', ring)
    this.#term = new FanOutTerm({
      outbox: this.#ledger,
      connection: this.#connection,
      topics: this.#topics,
      logger: this.#logger,
      clock: this.#clock,
      random: this.#random,
      bell: this.#bell,
      signal,
    })
    this.#logger.info('this process leads the fan-out')
    await this.#term.run()
    this.#term = undefined
    signal.removeEventListener('abort', ring)
    try {
      await leadership.resign()
    } catch (thrown) {
      this.#logger.warn({ reason: messageOf(thrown) }, 'leadership ends with its connection')
    }
  }
}
