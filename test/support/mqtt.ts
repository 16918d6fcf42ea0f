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

/** A connection with the little patience that a test has. */
export function connectTo(options: TestConnection): MqttJsConnection {
  const { protocol = '5', connectMs = 300, pubackMs = 300, ...rest } = options
  const { keepaliveSeconds = LIMITS.mqttKeepaliveSeconds, ...others } = rest
  const { clock = systemClock, random = systemRandom, ...address } = others
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
