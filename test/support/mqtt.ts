import { systemClock } from '../../gateway/core/clock.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import { MqttJsConnection } from '../../gateway/mqtt/mqtt-js-connection.js'
import type { MqttAddress } from '../../gateway/mqtt/mqtt-session.js'

let count = 0

/** A connection with the little patience that a test has. */
export function connectTo(
  address: Partial<MqttAddress> & { readonly port: number },
  protocol: '5' | '3.1.1' = '5',
): MqttJsConnection {
  count += 1
  return new MqttJsConnection({
    address: { host: '127.0.0.1', clientId: `test-${process.pid}-${count}`, ...address },
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    protocol,
    patience: { connectMs: 300, pubackMs: 300 },
    retry: { firstMs: 20, maxMs: 100 },
  })
}
