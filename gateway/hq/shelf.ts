import type { Clock } from '../core/clock.js'
import { rfc3339 } from '../core/clock.js'
import { LIMITS } from '../core/limits.js'
import type { Logger } from '../core/log.js'
import type { Random } from '../core/random.js'
import { RetrySchedule } from '../core/retry-schedule.js'
import type { Outbox } from './ledger.js'
import { DamagedRowError } from './ledger-row.js'
import type { RowOutcome, RowPublisher } from './row-publisher.js'

/** A topic that the broker does not let HQ publish on; its events wait. */
export interface RefusedTopic {
  readonly topic: string
  readonly since: string
  readonly reason: string
}

const FIRST_RETRY_MS = 5_000
const MAX_RETRY_MS = 15 * 60_000

/**
 * The rows that the broker refused: offered again now and then, in their order. While one of a
 * topic lies here the later ones of that topic join it, so that they do not overtake it.
 */
export class Shelf {
  readonly #outbox: Outbox
  readonly #publisher: RowPublisher
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #retry: RetrySchedule
  readonly #refused = new Map<string, RefusedTopic>()
  #rows = 0
  #dueMs = 0
  /** Where the next round begins: behind a row that ended the last one with the connection. */
  #after = 0

  constructor(options: {
    readonly outbox: Outbox
    readonly publisher: RowPublisher
    readonly logger: Logger
    readonly clock: Clock
    readonly random: Random
  }) {
    this.#outbox = options.outbox
    this.#publisher = options.publisher
    this.#logger = options.logger
    this.#clock = options.clock
    const { random } = options
    this.#retry = new RetrySchedule({ firstMs: FIRST_RETRY_MS, maxMs: MAX_RETRY_MS, random })
  }

  get refused(): readonly RefusedTopic[] {
    return [...this.#refused.values()]
  }

  /** Rows here, as far as the last round and this term know. */
  get rows(): number {
    return this.#rows
  }

  holds(topic: string): boolean {
    return this.#refused.has(topic)
  }

  /** A row comes here; where its topic is what is refused, that is said once. */
  add(
    { reason, topic }: Extract<RowOutcome, { readonly type: 'refused' }>,
    position: number,
  ): void {
    this.#rows += 1
    if (topic === undefined)
      this.#logger.error({ position, reason }, 'an event the broker does not take: held')
    else this.#refuse(topic, reason)
  }

  /** There is another connection, perhaps with other rights. */
  hurry(): void {
    this.#retry.reset()
    this.#dueMs = 0
  }

  /** Until the next round; nothing where there is no row. */
  waitMs(): number | undefined {
    if (this.#dueMs > 0 && this.#rows === 0) return undefined
    return Math.max(0, this.#dueMs - this.#clock.monotonicMs())
  }

  /** Offers every row here once; ends early where the connection does. */
  async offer(signal: AbortSignal): Promise<void> {
    this.#dueMs = this.#clock.monotonicMs() + this.#retry.nextMs()
    const denied = new Set<string>()
    let left = 0
    for (let after = this.#after; ; ) {
      const rows = await this.#next(after)
      for (const row of rows) {
        if (signal.aborted) return
        const outcome = await this.#publisher.publish(row, topic => denied.has(topic))
        after = row.position
        if (outcome.type === 'unanswered') {
          this.#after = after
          this.#rows = Math.max(this.#rows, 1)
          return
        }
        if (outcome.type === 'done') await this.#outbox.unshelve(row.position)
        else {
          left += 1
          if (outcome.topic === undefined) continue
          denied.add(outcome.topic)
          this.#refuse(outcome.topic, outcome.reason)
        }
      }
      if (rows.length === 0) break
    }
    if (this.#after === 0) this.#settle(denied, left)
    this.#after = 0
  }

  /** A damaged row is let go: it cannot be published, and exports name it. */
  async #next(after: number): ReturnType<Outbox['shelf']> {
    try {
      return await this.#outbox.shelf(after, LIMITS.fanOutRows)
    } catch (thrown) {
      if (!(thrown instanceof DamagedRowError)) throw thrown
      await this.#outbox.unshelve(thrown.position)
      return await this.#next(after)
    }
  }

  /** After a whole round: what was not refused in it is taken again. */
  #settle(denied: ReadonlySet<string>, left: number): void {
    this.#rows = left
    for (const topic of this.#refused.keys())
      if (!denied.has(topic)) {
        this.#refused.delete(topic)
        this.#logger.info({ topic }, 'the broker takes the events of this topic again')
      }
  }

  #refuse(topic: string, reason: string): void {
    if (this.#refused.has(topic)) return
    const since = rfc3339(this.#clock.wallMs(), 'UTC')
    this.#refused.set(topic, { topic, since, reason })
    this.#logger.error(
      { code: 'TB_MQTT_DENIED', topic, reason },
      'the broker refuses an events topic: its events are held until it takes them',
    )
  }
}
