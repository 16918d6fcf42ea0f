import type { Clock } from '../core/clock.js'
import { Doorbell } from '../core/doorbell.js'
import { messageOf, TillbridgeError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { Logger } from '../core/log.js'
import type { Random } from '../core/random.js'
import { RetrySchedule } from '../core/retry-schedule.js'
import { decodeEvent } from '../event/event.js'
import type { MqttConnection } from '../mqtt/connection.js'
import { encodeFanOut } from '../wire/fan-out.js'
import type { Topics } from '../wire/topics.js'
import type { Ledger, LedgerRow } from './ledger.js'
import { DamagedRowError } from './ledger-row.js'

/**
 * Publishes what was committed on the events topics: at least once, in the order of commit. One
 * runs on a ledger; it takes rows from the outbox only when the broker has all of them.
 */
export class FanOut {
  readonly #ledger: Ledger
  readonly #connection: MqttConnection
  readonly #topics: Topics
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #bell: Doorbell
  readonly #retry: RetrySchedule
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  #publishedTotal = 0

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
    this.#bell = new Doorbell(options.clock)
    this.#retry = new RetrySchedule({ firstMs: 500, maxMs: 30_000, random: options.random })
  }

  /** Events published since the start, repeats counted. */
  get publishedTotal(): number {
    return this.#publishedTotal
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** There may be something to publish, or a connection to publish it on. */
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
    while (!signal.aborted) {
      const isOnline = this.#connection.state.type === 'online'
      const progress = isOnline ? await this.#publishSome() : 'nothing'
      if (progress === 'nothing') await this.#bell.wait()
      else if (progress === 'failed') await this.#clock.sleep(this.#retry.nextMs(), signal)
      else this.#retry.reset()
    }
  }

  async #publishSome(): Promise<'some' | 'nothing' | 'failed'> {
    try {
      const rows = await this.#nextRows()
      const last = rows.at(-1)
      if (last === undefined) return 'nothing'
      await Promise.all(rows.map(row => this.#publish(row)))
      await this.#ledger.fannedOut(last.position)
      return 'some'
    } catch (thrown) {
      if (thrown instanceof DamagedRowError) return this.#leaveOut(thrown)
      const isStopping = this.#stopping.signal.aborted
      if (!isStopping) this.#logger.warn({ reason: messageOf(thrown) }, 'fan-out is held up')
      return 'failed'
    }
  }

  /** The next rows; where one among them is damaged, one by one up to it. */
  async #nextRows(): Promise<readonly LedgerRow[]> {
    try {
      return await this.#ledger.outbox(LIMITS.fanOutRows)
    } catch (thrown) {
      if (!(thrown instanceof DamagedRowError)) throw thrown
      return await this.#ledger.outbox(1)
    }
  }

  async #leaveOut({ position, message }: DamagedRowError): Promise<'some' | 'failed'> {
    this.#logger.error({ position, reason: message }, 'a damaged row: left out of the fan-out')
    try {
      await this.#ledger.fannedOut(position)
      return 'some'
    } catch (thrown) {
      this.#logger.warn({ reason: messageOf(thrown) }, 'fan-out is held up')
      return 'failed'
    }
  }

  async #publish({ event, header, recordedMs, historical, store, position }: LedgerRow) {
    const decoded = event === undefined ? undefined : decodeEvent(event)
    if (decoded === undefined) return
    if (!decoded.ok) {
      // It stands in the ledger for whoever reads that; here it would hold up every other event.
      this.#logger.error({ position, reason: decoded.error }, 'a row that is no event: left out')
      return
    }
    const { terminal, type } = decoded.value
    const payload = encodeFanOut({ event: decoded.value, header, recordedMs, historical })
    const topic = this.#topics.event(store, terminal, type)
    try {
      await this.#connection.publish({ topic, payload })
      this.#publishedTotal += 1
    } catch (thrown) {
      if (!isForThisRowAlone(thrown)) throw thrown
      this.#logger.error(
        { position, reason: messageOf(thrown) },
        'a row the broker refuses: left out',
      )
    }
  }
}

/** It would be refused again, and must not hold up the events of every other store. */
function isForThisRowAlone(thrown: unknown): boolean {
  if (!(thrown instanceof TillbridgeError)) return false
  return thrown.code === 'TB_MQTT_DENIED' || thrown.code === 'TB_MQTT_TOO_LARGE'
}
