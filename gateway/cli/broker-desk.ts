import { systemClock } from '../core/clock.js'
import { TillbridgeError } from '../core/errors.js'
import { silentLogger } from '../core/log.js'
import { systemRandom } from '../core/random.js'
import { fail, ok, type Result } from '../core/result.js'
import type { Delivery } from '../mqtt/connection.js'
import { firstState } from '../mqtt/first-state.js'
import { MqttJsConnection } from '../mqtt/mqtt-js-connection.js'
import type { MqttAddress } from '../mqtt/mqtt-session.js'

const FAREWELL_MS = 1_000
const CONNECT_MS = 15_000
const LOOK_MS = 50
/** Time in which a broker says what it keeps. */
const RETAINED_MS = 1_000

/** What HQ puts out at its broker: retained there, until something else is in its place. */
export class BrokerDesk {
  readonly #connection: MqttJsConnection

  constructor(options: {
    readonly address: Omit<MqttAddress, 'clientId'>
    /** What it is for; part of its name at the broker. */
    readonly name: string
  }) {
    const word = Buffer.from(systemRandom.bytes(6)).toString('hex')
    this.#connection = new MqttJsConnection({
      address: { ...options.address, clientId: `tillbridge-${options.name}-${word}` },
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
    })
  }

  /** Whether the broker is there; else why not. */
  async start(): Promise<Result<undefined, string>> {
    this.#connection.start()
    const state = await firstState(this.#connection, { withinMs: CONNECT_MS, clock: systemClock })
    if (state.type === 'online') return ok(undefined)
    const reason = state.type === 'connecting' ? state.reason : undefined
    return fail(`the broker: ${reason ?? 'it does not answer'}`)
  }

  stop(): Promise<void> {
    return this.#connection.stop(FAREWELL_MS)
  }

  /** What the broker keeps under a filter. */
  async retained(filter: string): Promise<readonly Delivery[]> {
    const found: Delivery[] = []
    const silence = this.#connection.subscribe(filter, delivery => void found.push(delivery))
    await systemClock.sleep(RETAINED_MS)
    silence()
    return found
  }

  /** Over a lost line, too. @throws TillbridgeError TB_MQTT_DENIED, TB_MQTT_TOO_LARGE */
  async put(topic: string, payload: Uint8Array | string): Promise<void> {
    for (;;) {
      try {
        await this.#connection.publish({ topic, payload, retain: true })
        return
      } catch (thrown) {
        const isLost = thrown instanceof TillbridgeError && thrown.code === 'TB_MQTT_CLOSED'
        if (!isLost) throw thrown
        await systemClock.sleep(LOOK_MS)
      }
    }
  }
}
