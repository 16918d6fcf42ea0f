import { filterCovers } from '../../gateway/core/topic-filter.js'
import type { Delivery, MqttConnection, MqttState } from '../../gateway/mqtt/connection.js'

type Handler = (delivery: Delivery) => Promise<void> | void

/** HQ's broker as far as it keeps retained messages, and a link to it that a test cuts. */
export class RetainingBroker implements MqttConnection {
  readonly state: MqttState = {
    type: 'online',
    protocol: '5',
    session: 1,
    window: 10,
    packetBytes: 1_000_000,
  }
  readonly retained = new Map<string, Uint8Array>()
  /** Every message that reached the store, by topic. */
  readonly said = new Map<string, number>()
  /** Messages that pass before the link is cut, and comes back by `mend`. */
  passing = Number.POSITIVE_INFINITY
  readonly #handlers = new Map<string, Handler>()

  onState(listener: (state: MqttState) => void): () => void {
    listener(this.state)
    return () => undefined
  }

  async publish(): Promise<void> {
    throw new Error('a store publishes nothing here')
  }

  subscribe(filter: string, handler: Handler): () => void {
    this.#handlers.set(filter, handler)
    void this.#offer(filter)
    return () => void this.#handlers.delete(filter)
  }

  put(topic: string, payload: Uint8Array | string): void {
    this.retained.set(topic, Buffer.from(payload))
    for (const filter of [...this.#handlers.keys()])
      if (filterCovers(filter, topic)) void this.#say(filter, topic)
  }

  /** The link is there again: the store subscribes to what it wants still. */
  mend(passing = Number.POSITIVE_INFINITY): void {
    this.passing = passing
    for (const filter of [...this.#handlers.keys()]) void this.#offer(filter)
  }

  start(): void {}

  async stop(): Promise<void> {}

  async #offer(filter: string): Promise<void> {
    for (const topic of [...this.retained.keys()])
      if (filterCovers(filter, topic)) await this.#say(filter, topic)
  }

  async #say(filter: string, topic: string): Promise<void> {
    await Promise.resolve()
    const handler = this.#handlers.get(filter)
    const payload = this.retained.get(topic)
    if (handler === undefined || payload === undefined || this.passing < 1) return
    this.passing -= 1
    this.said.set(topic, (this.said.get(topic) ?? 0) + 1)
    await handler({ topic, payload, retained: true })
  }
}
