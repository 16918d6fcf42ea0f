import { LIMITS } from '../../gateway/core/limits.js'
import { filterCovers, unshared } from '../../gateway/core/topic-filter.js'
import type {
  Delivery,
  MqttConnection,
  MqttMessage,
  MqttState,
} from '../../gateway/mqtt/connection.js'

/** A connection whose other end is the test: what it says when, no broker can be made to say. */
export class ScriptedConnection implements MqttConnection {
  readonly published: MqttMessage[] = []
  readonly #handlers = new Map<string, (delivery: Delivery) => Promise<void> | void>()
  readonly #listeners = new Set<(state: MqttState) => void>()
  readonly #echoes: string | undefined
  #state: MqttState = { type: 'stopped' }

  /** `echoes`: what is published under this filter is heard, as a broker would have it. */
  constructor(options: { readonly echoes?: string } = {}) {
    this.#echoes = options.echoes
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
    this.published.push(message)
    if (this.#echoes !== undefined && filterCovers(this.#echoes, message.topic))
      queueMicrotask(() => void this.hear(message))
  }

  subscribe(filter: string, handler: (delivery: Delivery) => Promise<void> | void): () => void {
    this.#handlers.set(filter, handler)
    return () => this.#handlers.delete(filter)
  }

  start(): void {
    this.#state = {
      type: 'online',
      protocol: '5',
      session: 1,
      window: 64,
      packetBytes: LIMITS.mqttPacketBytes,
    }
    for (const listener of this.#listeners) listener(this.#state)
  }

  async stop(): Promise<void> {
    this.#state = { type: 'stopped' }
    for (const listener of this.#listeners) listener(this.#state)
  }

  /** How often something was published on a topic. */
  countOn(topic: string): number {
    return this.published.filter(message => message.topic === topic).length
  }

  async hear(message: MqttMessage, retained = false): Promise<void> {
    const payload = Buffer.from(message.payload)
    for (const [filter, handler] of this.#handlers)
      if (filterCovers(unshared(filter), message.topic))
        await handler({ topic: message.topic, payload, retained })
  }
}
