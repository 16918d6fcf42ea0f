import { readFileSync } from 'node:fs'
import { systemClock } from '../core/clock.js'
import { messageOf, TillbridgeError } from '../core/errors.js'
import { systemRandom } from '../core/random.js'
import { parseBrokerUrl } from '../mqtt/broker-url.js'
import { MqttJsConnection } from '../mqtt/mqtt-js-connection.js'
import { statusWill } from '../uplink/uplink.js'
import type { Shop } from './shop.js'

export function createConnection(shop: Shop): MqttJsConnection {
  const { config, store, topics, logger } = shop
  const { url, username, password, tls = {} } = config.hq
  const { host, port, secure } = parseBrokerUrl(url)
  const { caFile, certFile, keyFile, serverName } = tls
  return new MqttJsConnection({
    address: {
      host,
      port,
      clientId: `tillbridge-${store}`,
      username,
      ...(password === undefined ? {} : { password }),
      ...(secure
        ? {
            tls: {
              ...(caFile === undefined ? {} : { ca: readPem(caFile) }),
              ...(certFile === undefined ? {} : { cert: readPem(certFile) }),
              ...(keyFile === undefined ? {} : { key: readPem(keyFile) }),
              ...(serverName === undefined ? {} : { serverName }),
            },
          }
        : {}),
      will: statusWill({ topics, store }),
    },
    clock: systemClock,
    random: systemRandom,
    logger: logger.child({ room: 'mqtt' }),
  })
}

/** @throws TillbridgeError TB_CONFIG_UNREADABLE */
export function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (thrown) {
    throw new TillbridgeError('TB_CONFIG_UNREADABLE', `${file}: ${messageOf(thrown)}`)
  }
}
