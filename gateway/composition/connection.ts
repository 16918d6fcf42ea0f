import { readFileSync } from 'node:fs'
import type { ShopConfig } from '../config/schema.js'
import { systemClock } from '../core/clock.js'
import { messageOf, TillbridgeError } from '../core/errors.js'
import { systemRandom } from '../core/random.js'
import { parseBrokerUrl } from '../mqtt/broker-url.js'
import { MqttJsConnection } from '../mqtt/mqtt-js-connection.js'
import type { MqttAddress } from '../mqtt/mqtt-session.js'
import { statusWill } from '../uplink/uplink.js'
import type { Shop } from './shop.js'

export function createConnection(shop: Shop): MqttJsConnection {
  const { config, store, topics, logger } = shop
  return new MqttJsConnection({
    address: {
      ...addressOf(config.hq),
      clientId: `tillbridge-${store}`,
      will: statusWill({ topics, store }),
    },
    clock: systemClock,
    random: systemRandom,
    logger: logger.child({ room: 'mqtt' }),
  })
}

/** Where HQ is, and as whom the shop comes. @throws TillbridgeError TB_CONFIG_UNREADABLE */
export function addressOf(hq: ShopConfig['hq']): Omit<MqttAddress, 'clientId'> {
  const { url, username, password, tls = {} } = hq
  const { host, port, secure } = parseBrokerUrl(url)
  const { caFile, certFile, keyFile, serverName } = tls
  return {
    host,
    port,
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
  }
}

/** @throws TillbridgeError TB_CONFIG_UNREADABLE */
export function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (thrown) {
    throw new TillbridgeError('TB_CONFIG_UNREADABLE', `${file}: ${messageOf(thrown)}`)
  }
}
