import { systemClock } from '../../gateway/core/clock.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import { MqttJsConnection } from '../../gateway/mqtt/mqtt-js-connection.js'
import type { MqttAddress } from '../../gateway/mqtt/mqtt-session.js'

let count = 0

interface TestConnection extends Partial<MqttAddress> {
  readonly port: number
  readonly protocol?: '5' | '3.1.1'
  readonly connectMs?: number
  readonly pubackMs?: number | undefined
}

/** A connection with the little patience that a test has. */
export function connectTo(options: TestConnection): MqttJsConnection {
  const { protocol = '5', connectMs = 300, pubackMs = 300, ...address } = options
  count += 1
  return new MqttJsConnection({
    address: { host: '127.0.0.1', clientId: `test-${process.pid}-${count}`, ...address },
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    protocol,
    patience: { connectMs, pubackMs },
    retry: { firstMs: 20, maxMs: 100 },
  })
}
