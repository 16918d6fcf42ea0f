import { systemClock } from '../core/clock.js'
import { TillbridgeError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { silentLogger } from '../core/log.js'
import { systemRandom } from '../core/random.js'
import { fail, ok, type Result } from '../core/result.js'
import { hearEcho } from '../hq/echo.js'
import type { Delivery } from '../mqtt/connection.js'
import { firstState } from '../mqtt/first-state.js'
import { MqttJsConnection } from '../mqtt/mqtt-js-connection.js'
import type { MqttAddress } from '../mqtt/mqtt-session.js'
import type { Topics } from '../wire/topics.js'

const FAREWELL_MS = 1_000
const CONNECT_MS = 15_000
const LOOK_MS = 50

/** What HQ puts out at its broker: retained there, until something else is in its place. */
export class BrokerDesk {
  readonly #connection: MqttJsConnection
  readonly #topics: Topics

  constructor(options: {
    readonly address: Omit<MqttAddress, 'clientId'>
    readonly topics: Topics
    /** What it is for; part of its name at the broker. */
    readonly name: string
  }) {
    this.#topics = options.topics
    const word = newWord()
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

  /**
   * What the broker keeps under a filter, all of it: an echo comes behind it. @throws
   * TillbridgeError TB_MQTT_CLOSED where it does not, TB_MQTT_TOO_LARGE beyond LIMITS.deskBytes
   */
  async retained(filter: string): Promise<readonly Delivery[]> {
    const found: Delivery[] = []
    const enough = new AbortController()
    let [bytes, heardMs] = [0, systemClock.monotonicMs()]
    const silence = this.#connection.subscribe(filter, delivery => {
      heardMs = systemClock.monotonicMs()
      bytes += delivery.payload.length
      if (bytes > LIMITS.deskBytes) enough.abort()
      else found.push(delivery)
    })
    const echo = await hearEcho({
      connection: this.#connection,
      topic: this.#topics.echo(newWord()),
      clock: systemClock,
      signal: enough.signal,
      silenceMs: LIMITS.deskSilenceMs,
      heardMs: () => heardMs,
    })
    silence()
    if (enough.signal.aborted)
      throw new TillbridgeError(
        'TB_MQTT_TOO_LARGE',
        `the broker keeps more than ${LIMITS.deskBytes} bytes under ${filter}: ask for less of it`,
      )
    if (echo === 'heard') return found
    const why = echo === 'refused' ? 'forbids to hear one’s own word' : 'does not answer'
    throw new TillbridgeError('TB_MQTT_CLOSED', `the broker ${why}: what it keeps is not known`)
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

function newWord(): string {
  return Buffer.from(systemRandom.bytes(6)).toString('hex')
}
