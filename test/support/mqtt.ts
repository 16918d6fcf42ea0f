import { type Clock, systemClock } from '../../gateway/core/clock.js'
import { LIMITS } from '../../gateway/core/limits.js'
import { silentLogger } from '../../gateway/core/log.js'
import { type Random, systemRandom } from '../../gateway/core/random.js'
import { MqttJsConnection } from '../../gateway/mqtt/mqtt-js-connection.js'
import type { MqttAddress } from '../../gateway/mqtt/mqtt-session.js'

let count = 0

interface TestConnection extends Partial<MqttAddress> {
  readonly port: number
  readonly protocol?: '5' | '3.1.1'
  readonly connectMs?: number | undefined
  readonly pubackMs?: number | undefined
  readonly keepaliveSeconds?: number
  readonly clock?: Clock
  readonly random?: Random
}

/** The patience of a test that waits for it to end; all others have that of a real one. */
export const HASTE_MS = 300

/** A connection that comes back quickly. */
export function connectTo(options: TestConnection): MqttJsConnection {
  const { protocol = '5', ...rest } = options
  const { connectMs = LIMITS.mqttConnectMs, pubackMs = LIMITS.mqttPubackMs, ...others } = rest
  const { keepaliveSeconds = LIMITS.mqttKeepaliveSeconds, ...more } = others
  const { clock = systemClock, random = systemRandom, ...address } = more
  count += 1
  return new MqttJsConnection({
    address: { host: '127.0.0.1', clientId: `test-${process.pid}-${count}`, ...address },
    clock,
    random,
    logger: silentLogger,
    protocol,
    patience: { connectMs, pubackMs, keepaliveSeconds },
    retry: { firstMs: 20, maxMs: 100 },
  })
}
