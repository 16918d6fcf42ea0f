import { LIMITS } from '../../gateway/core/limits.js'
import type { Random } from '../../gateway/core/random.js'
import { filterCovers, unshared } from '../../gateway/core/topic-filter.js'
import type {
  Delivery,
  MqttConnection,
  MqttMessage,
  MqttState,
} from '../../gateway/mqtt/connection.js'
import { closedError } from '../../gateway/mqtt/failure.js'
import { below } from '../support/sample.js'
import type { Life, Timeline } from './timeline.js'

/** How bad the network is at the moment. */
export interface Weather {
  /** Longest way of a message, milliseconds; the way of each is drawn. */
  delayMs: number
  /** Share of messages that arrive twice. */
  doubled: number
  /** Share of messages that the broker acknowledges and forgets. */
  forgotten: number
}

export const FAIR: Weather = { delayMs: 30, doubled: 0, forgotten: 0 }

const KEEPALIVE_MS = LIMITS.mqttKeepaliveSeconds * 1500

/** What brokers differ in. */
export interface BrokerKind {
  /** Keeps the order of all that it sends to one client, or only within a topic. */
  readonly isOrderly: boolean
  /** Delivers on shared subscriptions; others grant them and never do. */
  readonly isSharing: boolean
}

/** A broker that keeps retained messages and nothing else: no session outlives its connection. */
export class Broker {
  readonly weather: Weather = { ...FAIR }
  readonly kind: BrokerKind
  /** Told everything that reaches it, also what it then forgets. */
  readonly onMessage: (message: MqttMessage) => void
  readonly #retained = new Map<string, MqttMessage>()
  /** A client that connects again ends its older connection. */
  readonly #clients = new Map<string, SimulatedConnection>()
  readonly timeline: Timeline
  readonly random: Random

  constructor(options: {
    readonly timeline: Timeline
    readonly random: Random
    readonly kind: BrokerKind
    readonly onMessage: (message: MqttMessage) => void
  }) {
    this.kind = options.kind
    this.timeline = options.timeline
    this.random = options.random
    this.onMessage = options.onMessage
  }

  admit(name: string, client: SimulatedConnection): void {
    const before = this.#clients.get(name)
    this.#clients.set(name, client)
    if (before !== client) before?.reset()
    for (const message of this.#retained.values()) client.carry(message, true)
  }

  isCurrent(name: string, client: SimulatedConnection): boolean {
    return this.#clients.get(name) === client
  }

  retainedFor(filter: string): readonly MqttMessage[] {
    return [...this.#retained.values()].filter(({ topic }) => filterCovers(filter, topic))
  }

  take(message: MqttMessage): void {
    this.onMessage(message)
    if (this.random.unit() < this.weather.forgotten) return
    if (message.retain === true) this.#retained.set(message.topic, message)
    for (const client of this.#clients.values()) client.carry(message, false)
    if (!this.kind.isSharing) return
    const clients = [...this.#clients.values()].filter(client => client.isSharing(message.topic))
    clients[below(this.random, clients.length)]?.carryShared(message)
  }

  /** The last message on a topic that asked to be kept. */
  retained(topic: string): MqttMessage | undefined {
    return this.#retained.get(topic)
  }
}

type Handler = (delivery: Delivery) => Promise<void> | void

interface Unacknowledged {
  readonly resolve: () => void
  readonly reject: (reason: Error) => void
}

/**
 * One client's connection: messages of one topic keep their order, those of two need not. A reset
 * loses all that is on its way; a link that is half open swallows until keepalive notices.
 */
export class SimulatedConnection implements MqttConnection {
  readonly #name: string
  readonly #life: Life
  readonly #broker: Broker
  readonly #onDelivered: ((delivery: Delivery) => void) | undefined
  readonly #onPublish: ((message: MqttMessage) => void) | undefined
  readonly #handlers = new Map<string, Handler>()
  readonly #listeners = new Set<(state: MqttState) => void>()
  #state: MqttState = { type: 'stopped' }
  #session = 0
  #isHalfOpen = false
  #unacknowledged = new Set<Unacknowledged>()
  #lastArrivalMs = new Map<string, number>()
  #inbox: Promise<void> = Promise.resolve()

  constructor(options: {
    readonly name: string
    readonly life: Life
    readonly broker: Broker
    /** Called when a handler is done with a message. */
    readonly onDelivered?: (delivery: Delivery) => void
    /** Called with every message as it leaves. */
    readonly onPublish?: (message: MqttMessage) => void
  }) {
    this.#name = options.name
    this.#life = options.life
    this.#broker = options.broker
    this.#onDelivered = options.onDelivered
    this.#onPublish = options.onPublish
  }

  get state(): MqttState {
    return this.#state
  }

  onState(listener: (state: MqttState) => void): () => void {
    this.#listeners.add(listener)
    listener(this.#state)
    return () => this.#listeners.delete(listener)
  }

  subscribe(filter: string, handler: Handler): () => void {
    this.#handlers.set(filter, handler)
    if (this.#state.type === 'online')
      this.#travel(this.#laneTo('subscription'), () => {
        for (const { topic, payload } of this.#broker.retainedFor(filter)) {
          const delivery = { topic, payload: Buffer.from(payload), retained: true }
          this.#travel(this.#laneOf(topic), () => this.#hand(delivery, handler))
        }
      })
    return () => {
      if (this.#handlers.get(filter) === handler) this.#handlers.delete(filter)
    }
  }

  start(): void {
    this.#connectIn(this.#broker.random.unit() * 200)
  }

  async stop(): Promise<void> {
    this.#drop()
    this.#become({ type: 'stopped' })
  }

  publish(message: MqttMessage): Promise<void> {
    // Nothing that a dead process still does reaches anybody.
    if (this.#life.isOver) return new Promise(() => undefined)
    if (this.#state.type !== 'online') return Promise.reject(closedError('not connected'))
    this.#onPublish?.(message)
    return new Promise((resolve, reject) => {
      const waiting = { resolve, reject }
      this.#unacknowledged.add(waiting)
      this.#travel(this.#laneTo(message.topic), () => {
        this.#broker.take(message)
        this.#travel(this.#laneOf('acknowledgement'), () => {
          if (this.#unacknowledged.delete(waiting)) resolve()
        })
      })
      this.#life.after(LIMITS.mqttPubackMs, () => {
        if (this.#unacknowledged.has(waiting)) this.reset()
      })
    })
  }

  /** From the broker to the handlers. */
  carry(message: MqttMessage, retained: boolean): void {
    const { topic } = message
    const payload = Buffer.from(message.payload)
    for (const [filter, handler] of this.#handlers)
      if (filterCovers(filter, topic))
        this.#travel(this.#laneOf(topic), () => this.#hand({ topic, payload, retained }, handler))
  }

  /** One of its subscriptions that are shared with others covers the topic. */
  isSharing(topic: string): boolean {
    return (
      !this.#life.isOver && this.#state.type === 'online' && this.#sharedFor(topic) !== undefined
    )
  }

  carryShared({ topic, payload }: MqttMessage): void {
    const handler = this.#sharedFor(topic)
    const delivery = { topic, payload: Buffer.from(payload), retained: false }
    if (handler !== undefined)
      this.#travel(this.#laneOf(topic), () => this.#hand(delivery, handler))
  }

  #sharedFor(topic: string): Handler | undefined {
    for (const [filter, handler] of this.#handlers)
      if (filter !== unshared(filter) && filterCovers(unshared(filter), topic)) return handler
    return undefined
  }

  #laneTo(topic: string): string {
    return this.#broker.kind.isOrderly ? '>' : `> ${topic}`
  }

  #laneOf(topic: string): string {
    return this.#broker.kind.isOrderly ? '<' : `< ${topic}`
  }

  reset(): void {
    if (this.#life.isOver || this.#state.type !== 'online') return
    this.#drop()
    this.#become({ type: 'connecting', reason: 'the connection was reset' })
    this.#connectIn(500 + this.#broker.random.unit() * 10_000)
  }

  breakSilently(): void {
    if (this.#state.type !== 'online' || this.#isHalfOpen) return
    this.#isHalfOpen = true
    const session = this.#session
    this.#life.after(KEEPALIVE_MS, () => {
      if (this.#session === session) this.reset()
    })
  }

  #connectIn(ms: number): void {
    this.#life.after(ms, () => {
      this.#session += 1
      this.#isHalfOpen = false
      this.#lastArrivalMs = new Map()
      this.#broker.admit(this.#name, this)
      this.#become({
        type: 'online',
        protocol: '5',
        session: this.#session,
        window: LIMITS.mqttInFlight,
        packetBytes: LIMITS.mqttPacketBytes,
      })
    })
  }

  #drop(): void {
    this.#session += 1
    const lost = this.#unacknowledged
    this.#unacknowledged = new Set()
    for (const { reject } of lost) reject(closedError('the connection was reset'))
  }

  #become(state: MqttState): void {
    this.#state = state
    for (const listener of [...this.#listeners]) listener(state)
  }

  /** Runs at the other end, once or twice, unless the connection is gone by then. */
  #travel(lane: string, arrive: () => void): void {
    const { timeline, random, weather } = this.#broker
    const session = this.#session
    const times = random.unit() < weather.doubled ? 2 : 1
    for (let time = 0; time < times; time += 1) {
      const drawnMs = timeline.nowMs + random.unit() ** 3 * weather.delayMs
      const atMs = Math.max(drawnMs, this.#lastArrivalMs.get(lane) ?? 0)
      this.#lastArrivalMs.set(lane, atMs)
      timeline.schedule(atMs - timeline.nowMs, () => {
        if (session !== this.#session || this.#isHalfOpen) return
        if (this.#broker.isCurrent(this.#name, this)) arrive()
      })
    }
  }

  #hand(delivery: Delivery, handler: Handler): void {
    if (this.#life.isOver) return
    this.#inbox = this.#inbox.then(async () => {
      await handler(delivery)
      this.#onDelivered?.(delivery)
    })
  }
}
