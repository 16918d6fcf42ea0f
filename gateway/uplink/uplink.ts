import type { Clock } from '../core/clock.js'
import { Doorbell } from '../core/doorbell.js'
import { messageOf } from '../core/errors.js'
import type { StoreId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import type { Logger } from '../core/log.js'
import type { Random } from '../core/random.js'
import { RetrySchedule } from '../core/retry-schedule.js'
import type { Journal } from '../journal/journal.js'
import type { Delivery, MqttConnection, MqttMessage, MqttState } from '../mqtt/connection.js'
import { encodeStatus, offlineWill, type StoreStatus, type UplinkStatus } from '../wire/status.js'
import type { Topics } from '../wire/topics.js'
import { Alarms } from './alarms.js'
import { DirectPass } from './direct-pass.js'
import { LedgerPass } from './ledger-pass.js'
import { Pacing } from './pacing.js'
import type { Pass, PassContext, Progress, UplinkPatience } from './pass.js'
import type { Border } from './send-plan.js'

export interface UplinkOptions {
  readonly mode: 'ledger' | 'direct'
  readonly store: StoreId
  readonly topics: Topics
  /** Name and version, for HQ to know what is out there. */
  readonly software: string
  readonly journal: Journal
  /** Started and stopped by whoever made it; its will should be `statusWill`. */
  readonly connection: MqttConnection
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly progress?: Progress
  readonly patience?: Partial<UplinkPatience>
  /** Epochs that one hello names; LIMITS where nothing else is said. */
  readonly helloEpochs?: number
  /** Waits between passes; 0.5 to 30 s where nothing else is said. */
  readonly retry?: { readonly firstMs: number; readonly maxMs: number }
}

/** The will of a store's connection: its retained status turns to offline by itself. */
export function statusWill(options: {
  readonly topics: Topics
  readonly store: StoreId
}): MqttMessage {
  const { topics, store } = options
  return { topic: topics.status(store), payload: offlineWill(store), retain: true }
}

/** Brings what the journal holds to HQ, and tells the journal what HQ has. */
export class Uplink {
  readonly #options: UplinkOptions
  readonly #logger: Logger
  readonly #alarms: Alarms
  readonly #patience: UplinkPatience
  readonly #pacing: Pacing
  readonly #announced: Doorbell
  readonly #cleanUps: (() => void)[] = []
  #status: UplinkStatus = { state: 'offline' }
  #pass: Pass | undefined
  #session: { readonly number: number; readonly abort: AbortController } | undefined
  #serving: Promise<void> = Promise.resolve()

  constructor(options: UplinkOptions) {
    this.#options = options
    this.#logger = options.logger
    this.#alarms = new Alarms(options.logger)
    this.#announced = new Doorbell(options.clock)
    const { receiptMs, askAgainMs, probeMs, refusedMs } = LIMITS
    this.#patience = { receiptMs, askAgainMs, probeMs, refusedMs, ...options.patience }
    this.#pacing = new Pacing({ patienceMs: this.#patience.receiptMs })
  }

  get status(): UplinkStatus {
    return this.#status
  }

  start(): void {
    const { connection, topics, store, mode } = this.#options
    const filters =
      mode === 'ledger' ? [topics.receipt(store), topics.ledger] : [topics.probe(store)]
    for (const filter of filters)
      this.#cleanUps.push(connection.subscribe(filter, delivery => this.#deliver(delivery)))
    this.#cleanUps.push(connection.onState(state => this.#follow(state)))
  }

  /** Ends what is under way and says that the store goes offline. At most `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    for (const cleanUp of this.#cleanUps.splice(0)) cleanUp()
    this.#endSession()
    const stopped = new AbortController()
    const isDone = Promise.all([this.#serving, this.#sayFarewell()])
    await Promise.race([isDone, this.#options.clock.sleep(timeoutMs, stopped.signal)])
    stopped.abort()
    this.#status = { state: 'offline' }
  }

  /** Publishes the store's status, retained. Does nothing while there is no connection. */
  async publishStatus(status: StoreStatus): Promise<void> {
    const { topics, store } = this.#options
    await this.#tryPublish({
      topic: topics.status(store),
      payload: encodeStatus(status),
      retain: true,
    })
  }

  /** The will is not published after a farewell, so its message goes out before. */
  #sayFarewell(): Promise<void> {
    return this.#tryPublish(statusWill(this.#options))
  }

  async #tryPublish(message: MqttMessage): Promise<void> {
    const { connection } = this.#options
    if (connection.state.type !== 'online') return
    try {
      await connection.publish(message)
    } catch (thrown) {
      // The next status replaces this one.
      this.#logger.debug({ reason: messageOf(thrown) }, 'a status was not published')
    }
  }

  #follow(state: MqttState): void {
    if (state.type === 'online' && state.session === this.#session?.number) return
    this.#endSession()
    if (state.type === 'online') this.#beginSession(state.session)
    else this.#status = statusOf(state)
  }

  #beginSession(number: number): void {
    const { journal } = this.#options
    const abort = new AbortController()
    this.#session = { number, abort }
    const border = { epoch: journal.epoch, last: journal.epochs().at(-1)?.last ?? 0 }
    const previous = this.#serving
    this.#serving = this.#serve({ signal: abort.signal, border, previous })
  }

  #endSession(): void {
    this.#session?.abort.abort()
    this.#session = undefined
    this.#announced.ring()
  }

  /** Pass after pass for as long as the connection lives. */
  async #serve(session: {
    readonly signal: AbortSignal
    readonly border: Border
    readonly previous: Promise<void>
  }): Promise<void> {
    const { signal, border, previous } = session
    await previous
    const { clock, random, retry: wait } = this.#options
    const { firstMs = 1000, maxMs = 30_000 } = wait ?? {}
    const retry = new RetrySchedule({ firstMs, maxMs, random })
    while (!signal.aborted) {
      const { status, isQuick } = await this.#runPass({ signal, border })
      if (signal.aborted) return
      if (status !== undefined) this.#status = status
      if (isQuick) retry.reset()
      this.#logger.warn({ ...status }, 'the uplink starts over')
      const isAnnounced = await this.#announced.wait(retry.nextMs())
      if (!isAnnounced || signal.aborted) continue
      retry.reset()
      // Five hundred shops hear that announcement together; they do not answer it together.
      await clock.sleep(retry.nextMs(), signal)
    }
  }

  async #runPass(session: { readonly signal: AbortSignal; readonly border: Border }): Promise<{
    readonly status: UplinkStatus | undefined
    readonly isQuick: boolean
  }> {
    const pass = this.#newPass(session)
    this.#pass = pass
    try {
      const { status, soon } = await pass.run()
      return { status, isQuick: soon || pass.hasWorked }
    } catch (thrown) {
      const reason = messageOf(thrown)
      this.#logger.error({ reason }, 'the uplink failed')
      return { status: { state: 'connecting', reason }, isQuick: false }
    } finally {
      this.#pass = undefined
    }
  }

  #newPass(session: { readonly signal: AbortSignal; readonly border: Border }): Pass {
    const context: PassContext = {
      helloEpochs: LIMITS.helloEpochs,
      ...this.#options,
      ...session,
      patience: this.#patience,
      pacing: this.#pacing,
      alarms: this.#alarms,
      report: status => {
        if (!session.signal.aborted) this.#status = status
      },
    }
    return this.#options.mode === 'ledger' ? new LedgerPass(context) : new DirectPass(context)
  }

  async #deliver(delivery: Delivery): Promise<void> {
    if (this.#pass !== undefined) await this.#pass.deliver(delivery)
    else if (!delivery.retained && delivery.topic === this.#options.topics.ledger)
      this.#announced.ring()
  }
}

function statusOf(state: Exclude<MqttState, { readonly type: 'online' }>): UplinkStatus {
  if (state.type === 'stopped') return { state: 'offline' }
  const { reason, code } = state
  if (reason === undefined) return { state: 'connecting' }
  const isDenied = code === 'TB_MQTT_DENIED' || code === 'TB_MQTT_REFUSED'
  return { state: isDenied ? 'denied' : 'offline', reason }
}
