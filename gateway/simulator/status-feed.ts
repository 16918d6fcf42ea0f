import { type Clock, systemClock } from '../core/clock.js'
import type { StoreId } from '../core/ids.js'
import { silentLogger } from '../core/log.js'
import { systemRandom } from '../core/random.js'
import { MqttJsConnection } from '../mqtt/mqtt-js-connection.js'
import { decodeStatus, type StoreStatus } from '../wire/status.js'
import type { Topics } from '../wire/topics.js'

const FAREWELL_MS = 500

/** Follows a store's retained status on its own broker, as any subscriber in the shop could. */
export class StatusFeed {
  readonly #connection: MqttJsConnection
  #latest: StoreStatus | undefined

  constructor(options: {
    readonly port: number
    readonly store: StoreId
    readonly topics: Topics
    readonly clock?: Clock
  }) {
    const { port, store, topics, clock = systemClock } = options
    this.#connection = new MqttJsConnection({
      address: { host: '127.0.0.1', port, clientId: 'demo-screen' },
      protocol: '3.1.1',
      retry: { firstMs: 200, maxMs: 1_000 },
      clock,
      random: systemRandom,
      logger: silentLogger,
    })
    this.#connection.subscribe(topics.status(store), ({ payload }) => {
      const status = decodeStatus(payload)
      this.#latest = status.ok && status.value.online ? status.value : undefined
    })
    // The broker goes with the gateway: what it said last is no longer true.
    this.#connection.onState(state => {
      if (state.type !== 'online') this.#latest = undefined
    })
  }

  /** Undefined while the gateway is not heard. */
  get latest(): StoreStatus | undefined {
    return this.#latest
  }

  start(): void {
    this.#connection.start()
  }

  async stop(): Promise<void> {
    await this.#connection.stop(FAREWELL_MS)
  }
}
