import { TillbridgeError } from '../../gateway/core/errors.js'
import { filterCovers } from '../../gateway/core/topic-filter.js'
import type {
  Delivery,
  MqttConnection,
  MqttMessage,
  MqttState,
} from '../../gateway/mqtt/connection.js'

const ONLINE: MqttState = {
  type: 'online',
  protocol: '5',
  session: 1,
  window: 10,
  packetBytes: 1_000_000,
}

/** A broker's end of a connection in the hand of a test: what it hears, and whether it is there. */
export class HandConnection implements MqttConnection {
  readonly published: MqttMessage[] = []
  state: MqttState = ONLINE
  readonly #handlers = new Map<string, (delivery: Delivery) => Promise<void> | void>()
  readonly #listeners = new Set<(state: MqttState) => void>()

  onState(listener: (state: MqttState) => void): () => void {
    this.#listeners.add(listener)
    listener(this.state)
    return () => this.#listeners.delete(listener)
  }

  async publish(message: MqttMessage): Promise<void> {
    if (this.state.type !== 'online') throw new TillbridgeError('TB_MQTT_CLOSED', 'away')
    this.published.push(message)
  }

  subscribe(filter: string, handler: (delivery: Delivery) => Promise<void> | void): () => void {
    this.#handlers.set(filter, handler)
    return () => this.#handlers.delete(filter)
  }

  start(): void {
    this.come()
  }

  async stop(): Promise<void> {
    this.go()
  }

  come(): void {
    this.#enter(ONLINE)
  }

  go(): void {
    this.#enter({ type: 'connecting' })
  }

  /** Resolves when the gateway would give its PUBACK. */
  async deliver(delivery: Omit<Delivery, 'retained'>): Promise<void> {
    for (const [filter, handler] of this.#handlers)
      if (filterCovers(filter, delivery.topic)) await handler({ ...delivery, retained: false })
  }

  #enter(state: MqttState): void {
    this.state = state
    for (const listener of this.#listeners) listener(state)
  }
}
