import type { Clock } from '../core/clock.js'
import type { Doorbell } from '../core/doorbell.js'
import { messageOf } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { Logger } from '../core/log.js'
import type { Random } from '../core/random.js'
import { RetrySchedule } from '../core/retry-schedule.js'
import type { MqttConnection, MqttState } from '../mqtt/connection.js'
import type { Topics } from '../wire/topics.js'
import { hearEcho } from './echo.js'
import type { LedgerRow, Outbox } from './ledger.js'
import { DamagedRowError } from './ledger-row.js'
import { type RowOutcome, RowPublisher } from './row-publisher.js'
import { Shelf } from './shelf.js'

export interface FanOutTermOptions {
  readonly outbox: Outbox
  readonly connection: MqttConnection
  readonly topics: Topics
  readonly logger: Logger
  readonly clock: Clock
  readonly random: Random
  /** Rung when there may be something to do. */
  readonly bell: Doorbell
  /** The end of the term. */
  readonly signal: AbortSignal
}

/** Rows taken from the outbox together. What became of each is kept until all of it is noted. */
interface Page {
  readonly rows: readonly LedgerRow[]
  readonly outcomes: Map<number, RowOutcome>
  /** Position up to which the outbox knows. */
  notedUpTo: number
  /** How often in a row the first row without an outcome was offered in vain. */
  tries: number
}

/**
 * Publishes the outbox for as long as this process leads: in the order of commit, at least once. An
 * event that stays without PUBACK makes only itself repeat.
 */
export class FanOutTerm {
  readonly shelf: Shelf
  readonly publisher: RowPublisher
  readonly #options: FanOutTermOptions
  readonly #logger: Logger
  readonly #retry: RetrySchedule
  #session: number | undefined
  #isProven = false
  #held: string | undefined
  #page: Page | undefined

  constructor(options: FanOutTermOptions) {
    this.#options = options
    this.#logger = options.logger
    this.publisher = new RowPublisher(options)
    this.shelf = new Shelf({ ...options, publisher: this.publisher })
    this.#retry = new RetrySchedule({ firstMs: 500, maxMs: 30_000, random: options.random })
  }

  /** Why nothing at all is published, although there is a connection. */
  get held(): string | undefined {
    return this.#held
  }

  async run(): Promise<void> {
    const { connection, bell, clock, signal } = this.#options
    while (!signal.aborted) {
      const { state } = connection
      const progress = state.type === 'online' ? await this.#step(state) : 'offline'
      if (progress === 'offline') await bell.wait()
      else if (progress === 'nothing') await bell.wait(this.shelf.waitMs())
      else if (progress === 'failed') await clock.sleep(this.#retry.nextMs(), signal)
      else this.#retry.reset()
    }
  }

  async #step(
    state: Extract<MqttState, { readonly type: 'online' }>,
  ): Promise<'some' | 'nothing' | 'failed'> {
    try {
      if (this.#session !== state.session) {
        this.#session = state.session
        this.#isProven = state.protocol === '5'
        this.shelf.hurry()
      }
      if (!this.#isProven && !(await this.#prove())) return 'failed'
      if (this.shelf.waitMs() === 0) await this.shelf.offer(this.#options.signal)
      return await this.#publishPage()
    } catch (thrown) {
      if (thrown instanceof DamagedRowError) return this.#leaveOut(thrown)
      this.#fail(messageOf(thrown))
      return 'failed'
    }
  }

  /**
   * A broker of MQTT 3.1.1 acknowledges what it forbids just the same, and the outbox would run
   * empty into nowhere: HQ must hear itself on an events topic first.
   */
  async #prove(): Promise<boolean> {
    const { connection, topics, clock, signal } = this.#options
    const topic = topics.eventsProbe
    const echo = await hearEcho({ connection, topic, clock, signal, silenceMs: LIMITS.hqEchoMs })
    if (signal.aborted || connection.state.type !== 'online') return false
    this.#isProven = echo === 'heard'
    const reason =
      `${topic}: ${echo}. The access rules must let HQ write every events topic, and read this ` +
      'one. All events are held until then.'
    if (!this.#isProven && this.#held === undefined)
      this.#logger.error({ code: 'TB_MQTT_DENIED', reason }, 'the fan-out is held up')
    this.#held = this.#isProven ? undefined : reason
    return this.#isProven
  }

  async #publishPage(): Promise<'some' | 'nothing' | 'failed'> {
    const page = this.#page ?? (await this.#nextPage())
    this.#page = page
    const open = page.rows.filter(({ position }) => !page.outcomes.has(position))
    const [first] = open
    if (first !== undefined) {
      // Whatever the last attempt broke on may be this one: alone it does no harm to others.
      await Promise.all((page.tries > 0 ? [first] : open).map(row => this.#publish(page, row)))
      const isStuck = !page.outcomes.has(first.position)
      page.tries = isStuck ? page.tries + 1 : 0
      if (page.tries > LIMITS.fanOutTries) this.#giveUp(page, first)
    }
    await this.#note(page)
    const isDone = page.rows.every(({ position }) => page.outcomes.has(position))
    if (isDone) this.#page = undefined
    if (page.rows.length === 0) return 'nothing'
    return isDone || page.tries === 0 ? 'some' : 'failed'
  }

  async #publish(page: Page, row: LedgerRow): Promise<void> {
    const outcome = await this.publisher.publish(row, topic => this.shelf.holds(topic))
    if (outcome.type === 'unanswered') return this.#fail(outcome.reason)
    page.outcomes.set(row.position, outcome)
    if (outcome.type === 'refused') this.shelf.add(outcome, row.position)
  }

  #giveUp(page: Page, { position }: LedgerRow): void {
    const reason = `no answer in ${page.tries} tries`
    const outcome = { type: 'refused', reason } as const
    page.outcomes.set(position, outcome)
    page.tries = 0
    this.shelf.add(outcome, position)
  }

  /** What is settled from the first row on leaves the outbox. */
  async #note(page: Page): Promise<void> {
    let upTo = page.notedUpTo
    const refused: number[] = []
    for (const { position } of page.rows) {
      const outcome = page.outcomes.get(position)
      if (outcome === undefined) break
      if (position <= page.notedUpTo) continue
      upTo = position
      if (outcome.type === 'refused') refused.push(position)
    }
    if (upTo === page.notedUpTo) return
    await this.#options.outbox.fannedOut(upTo, refused)
    page.notedUpTo = upTo
  }

  /** The next rows; where one among them is damaged, one by one up to it. */
  async #nextPage(): Promise<Page> {
    const { outbox } = this.#options
    const pageOf = (rows: readonly LedgerRow[]): Page => {
      return { rows, outcomes: new Map(), notedUpTo: 0, tries: 0 }
    }
    try {
      return pageOf(await outbox.outbox(LIMITS.fanOutRows))
    } catch (thrown) {
      if (!(thrown instanceof DamagedRowError)) throw thrown
      return pageOf(await outbox.outbox(1))
    }
  }

  async #leaveOut({ position, message }: DamagedRowError): Promise<'some' | 'failed'> {
    this.#logger.error({ position, reason: message }, 'a damaged row: left out of the fan-out')
    try {
      await this.#options.outbox.fannedOut(position)
      return 'some'
    } catch (thrown) {
      this.#fail(messageOf(thrown))
      return 'failed'
    }
  }

  #fail(reason: string): void {
    if (!this.#options.signal.aborted) this.#logger.warn({ reason }, 'fan-out is held up')
  }
}
