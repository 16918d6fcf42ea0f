import type { Clock } from '../core/clock.js'
import { messageOf } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { Logger } from '../core/log.js'
import type { Random } from '../core/random.js'
import { RetrySchedule } from '../core/retry-schedule.js'
import { filterCovers, unshared } from '../core/topic-filter.js'
import type { Delivery, MqttConnection, MqttMessage, MqttState } from './connection.js'
import { type ConnectFailure, closedError } from './failure.js'
import {
  type MqttAddress,
  type MqttPatience,
  type MqttSession,
  openSession,
} from './mqtt-session.js'

type Handler = (delivery: Delivery) => Promise<void> | void

const DEFAULT_PATIENCE: MqttPatience = {
  connectMs: LIMITS.mqttConnectMs,
  pubackMs: LIMITS.mqttPubackMs,
  keepaliveSeconds: LIMITS.mqttKeepaliveSeconds,
}

/** A connection that lived this long was a success: the next failure is retried quickly. */
const SETTLED_MS = 10_000

/**
 * `MqttConnection` over mqtt.js. mqtt.js' own reconnection is off: each attempt is a new client
 * on a new socket, so that no state of an old one can hold the next.
 */
export class MqttJsConnection implements MqttConnection {
  readonly #address: MqttAddress
  readonly #patience: MqttPatience
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #retry: RetrySchedule
  readonly #handlers = new Map<string, Set<Handler>>()
  /** Who is told that a filter was refused; a refusal of another ends the connection. */
  readonly #onRefused = new Map<string, () => void>()
  readonly #listeners = new Set<(state: MqttState) => void>()
  readonly #stopping = new AbortController()
  #state: MqttState = { type: 'stopped' }
  #protocol: '5' | '3.1.1'
  #sessionCount = 0
  #session: MqttSession | undefined
  #running: Promise<void> | undefined

  constructor(options: {
    readonly address: MqttAddress
    readonly clock: Clock
    readonly random: Random
    readonly logger: Logger
    /** Tried first: 5 where nothing else is said, and 3.1.1 for good once a broker refused that. */
    readonly protocol?: '5' | '3.1.1'
    readonly patience?: Partial<MqttPatience>
    /** Waits between attempts; 0.5 to 30 s where nothing else is said. */
    readonly retry?: { readonly firstMs: number; readonly maxMs: number }
  }) {
    this.#address = options.address
    this.#patience = { ...DEFAULT_PATIENCE, ...options.patience }
    this.#clock = options.clock
    this.#logger = options.logger
    this.#protocol = options.protocol ?? '5'
    const { firstMs = 1000, maxMs = 30_000 } = options.retry ?? {}
    this.#retry = new RetrySchedule({ firstMs, maxMs, random: options.random })
  }

  get state(): MqttState {
    return this.#state
  }

  onState(listener: (state: MqttState) => void): () => void {
    this.#listeners.add(listener)
    listener(this.#state)
    return () => this.#listeners.delete(listener)
  }

  async publish(message: MqttMessage): Promise<void> {
    if (this.#state.type !== 'online' || this.#session === undefined)
      throw closedError('not connected')
    await this.#session.publish(message)
  }

  subscribe(filter: string, handler: Handler, onRefused?: () => void): () => void {
    if (onRefused !== undefined) this.#onRefused.set(filter, onRefused)
    const handlers = this.#handlers.get(filter)
    if (handlers !== undefined) handlers.add(handler)
    else {
      this.#handlers.set(filter, new Set([handler]))
      if (this.#session !== undefined) void this.#subscribeOn(this.#session, [filter])
    }
    return () => this.#unsubscribe(filter, handler)
  }

  start(): void {
    this.#running ??= this.#run()
  }

  async stop(timeoutMs: number): Promise<void> {
    this.#stopping.abort()
    await this.#session?.end(timeoutMs)
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    this.#setState({ type: 'connecting' })
    while (!signal.aborted) {
      const failure = await this.#attempt(signal)
      if (signal.aborted) break
      if (failure.oldProtocol === true && this.#protocol === '5') {
        this.#protocol = '3.1.1'
        continue
      }
      const { reason, code } = failure
      this.#setState({ type: 'connecting', reason, code })
      const waitMs = this.#retry.nextMs()
      this.#logger.warn({ code, reason, waitMs }, 'not connected to the broker')
      await this.#clock.sleep(waitMs, signal)
    }
    this.#setState({ type: 'stopped' })
  }

  /** One client from CONNECT to its end; returns why it ended. */
  async #attempt(signal: AbortSignal): Promise<ConnectFailure> {
    const opened = await openSession({
      address: this.#address,
      protocol: this.#protocol,
      patience: this.#patience,
      clock: this.#clock,
      deliver: delivery => this.#deliver(delivery),
      signal,
    })
    if (!opened.ok) return opened.error
    const session = opened.value
    const sinceMs = this.#clock.monotonicMs()
    this.#session = session
    await this.#subscribeOn(session, [...this.#handlers.keys()])
    const isOver = await Promise.race([session.closed.then(() => true), false])
    if (!isOver) this.#announce(session)
    const failure = await session.closed
    this.#session = undefined
    if (this.#clock.monotonicMs() - sinceMs >= SETTLED_MS) this.#retry.reset()
    return failure
  }

  #announce(session: MqttSession): void {
    this.#sessionCount += 1
    const { window, packetBytes } = session
    this.#logger.info({ protocol: this.#protocol, window }, 'connected to the broker')
    this.#setState({
      type: 'online',
      protocol: this.#protocol,
      session: this.#sessionCount,
      window,
      packetBytes,
    })
  }

  /** A refused filter ends the session: without it the connection is none, and the reason shows. */
  async #subscribeOn(session: MqttSession, filters: readonly string[]): Promise<void> {
    const subscribed = await session.subscribe(filters)
    if (!subscribed.ok) return session.drop(subscribed.error)
    const needed = subscribed.value.filter(filter => !this.#onRefused.has(filter))
    for (const filter of subscribed.value) this.#onRefused.get(filter)?.()
    if (needed.length > 0)
      session.drop({ code: 'TB_MQTT_DENIED', reason: `may not read ${needed.join(', ')}` })
  }

  #unsubscribe(filter: string, handler: Handler): void {
    const handlers = this.#handlers.get(filter)
    handlers?.delete(handler)
    if (handlers?.size !== 0) return
    this.#handlers.delete(filter)
    this.#onRefused.delete(filter)
    this.#session?.unsubscribe(filter)
  }

  async #deliver(delivery: Delivery): Promise<void> {
    for (const [filter, handlers] of this.#handlers) {
      if (!filterCovers(unshared(filter), delivery.topic)) continue
      for (const handler of handlers) await this.#handle(handler, delivery)
    }
  }

  async #handle(handler: Handler, delivery: Delivery): Promise<void> {
    try {
      await handler(delivery)
    } catch (thrown) {
      const { topic } = delivery
      this.#logger.error({ topic, reason: messageOf(thrown) }, 'a delivery was not handled')
    }
  }

  #setState(state: MqttState): void {
    this.#state = state
    for (const listener of this.#listeners) listener(state)
  }
}
