import { toHex } from '../core/bytes.js'
import type { Clock } from '../core/clock.js'
import { messageOf } from '../core/errors.js'
import type { LedgerId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import type { Logger } from '../core/log.js'
import type { Random } from '../core/random.js'
import { RetrySchedule } from '../core/retry-schedule.js'
import type { MqttConnection, MqttState } from '../mqtt/connection.js'
import { encodeLedgerGeneration } from '../wire/hello.js'
import { shared, type Topics } from '../wire/topics.js'
import { hearEcho } from './echo.js'
import { FanOut, type FanOutStatus } from './fan-out.js'
import type { Ledger } from './ledger.js'
import { ReceiptSender } from './receipt-sender.js'
import { Receiver, type ReceiverCounters } from './receiver.js'
import { RestoreCheck } from './restore-check.js'

export interface HqServerOptions {
  readonly ledger: Ledger
  readonly connection: MqttConnection
  readonly topics: Topics
  readonly logger: Logger
  readonly clock: Clock
  readonly random: Random
}

export interface HqStatus {
  readonly receiver: ReceiverCounters
  /** Whether this receiver takes messages, and if others may take some of them in its place. */
  readonly receiving: 'no' | 'all' | 'shared'
  readonly fanOut: FanOutStatus
}

/** HQ's side of the wire on one ledger and one connection, which whoever made them closes. */
export class HqServer {
  readonly #connection: MqttConnection
  readonly #ledger: Ledger
  readonly #topics: Topics
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #random: Random
  readonly #check: RestoreCheck
  readonly #receiver: Receiver
  readonly #fanOut: FanOut
  readonly #cleanUps: (() => void)[] = []
  #session: { readonly number: number; readonly abort: AbortController } | undefined
  #serving: Promise<void> = Promise.resolve()
  #receiving: HqStatus['receiving'] = 'no'

  constructor(options: HqServerOptions) {
    this.#connection = options.connection
    this.#ledger = options.ledger
    this.#topics = options.topics
    this.#logger = options.logger
    this.#clock = options.clock
    this.#random = options.random
    this.#check = new RestoreCheck(options)
    this.#fanOut = new FanOut(options)
    const receipts = new ReceiptSender({
      ...options,
      onTakenBack: async ({ ledger }) => {
        this.#logger.error({ ledger }, 'the ledger lacks what it had: its database was restored')
        await this.#renew(ledger)
        await this.#announce()
      },
    })
    this.#receiver = new Receiver({ ...options, receipts })
  }

  get status(): HqStatus {
    const { counters } = this.#receiver
    return { receiver: counters, receiving: this.#receiving, fanOut: this.#fanOut.status }
  }

  start(): void {
    this.#fanOut.start()
    this.#cleanUps.push(this.#connection.onState(state => this.#follow(state)))
  }

  /**
   * Commits what has arrived; what has not been published stays in the outbox. Stop the connection
   * together with it, for it waits for answers that a dead link would owe until they time out.
   */
  async stop(): Promise<void> {
    for (const cleanUp of this.#cleanUps.splice(0)) cleanUp()
    this.#endSession()
    await Promise.all([this.#serving, this.#receiver.stop(), this.#fanOut.stop()])
  }

  #follow(state: MqttState): void {
    this.#fanOut.wake()
    if (state.type === 'online' && state.session === this.#session?.number) return
    this.#endSession()
    if (state.type !== 'online') return
    const abort = new AbortController()
    this.#session = { number: state.session, abort }
    const previous = this.#serving
    this.#serving = this.#serve(abort.signal, previous)
  }

  #endSession(): void {
    this.#session?.abort.abort()
    this.#session = undefined
    this.#receiver.pause()
    this.#receiving = 'no'
  }

  /** Nothing is received, and no receipt sent, before it is known whether the ledger is old. */
  async #serve(signal: AbortSignal, previous: Promise<void>): Promise<void> {
    await previous
    const retry = new RetrySchedule({ firstMs: 500, maxMs: 30_000, random: this.#random })
    while (!signal.aborted) {
      try {
        return await this.#takeUp(signal)
      } catch (thrown) {
        const reason = messageOf(thrown)
        this.#logger.error({ reason }, 'HQ cannot serve: the ledger does not answer')
        await this.#clock.sleep(retry.nextMs(), signal)
      }
    }
  }

  async #takeUp(signal: AbortSignal): Promise<void> {
    const word = toHex(this.#random.bytes(16))
    const restored = await this.#check.run(word, signal)
    if (restored !== undefined) await this.#renew(restored)
    const isShared = await this.#isSharing(`${word}-shared`, signal)
    if (signal.aborted) return
    this.#receiver.listen({ isShared })
    this.#receiving = isShared ? 'shared' : 'all'
    await this.#announce()
  }

  async #renew(expected: LedgerId): Promise<void> {
    const { ledger } = await this.#ledger.renew(expected)
    this.#logger.warn({ ledger, before: expected }, 'the ledger has a new generation')
  }

  /**
   * Some brokers grant a shared subscription and never deliver on it (RabbitMQ 3.10, NATS 2.9),
   * some refuse it: only what is heard counts.
   */
  async #isSharing(word: string, signal: AbortSignal): Promise<boolean> {
    const topic = this.#topics.echo(word)
    const echo = await hearEcho({
      connection: this.#connection,
      topic,
      filter: shared(topic),
      clock: this.#clock,
      signal,
      silenceMs: LIMITS.hqShareEchoMs,
    })
    if (echo !== 'heard' && !signal.aborted)
      this.#logger.info(
        { reason: `a shared subscription: ${echo}` },
        'the broker does not share: each receiver on it is given everything',
      )
    return echo === 'heard'
  }

  /** Stores that waited for us in vain say hello at this; at a new generation all do. */
  async #announce(): Promise<void> {
    try {
      const payload = encodeLedgerGeneration(await this.#ledger.generation())
      await this.#connection.publish({ topic: this.#topics.ledger, payload, retain: true })
    } catch (thrown) {
      this.#logger.warn({ reason: messageOf(thrown) }, 'the ledger was not announced')
    }
  }
}
