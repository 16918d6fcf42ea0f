import { readFileSync } from 'node:fs'
import type { ShopConfig } from '../config/schema.js'
import { systemClock } from '../core/clock.js'
import { messageOf, TillbridgeError } from '../core/errors.js'
import { systemRandom } from '../core/random.js'
import { parseBrokerUrl } from '../mqtt/broker-url.js'
import { MqttJsConnection } from '../mqtt/mqtt-js-connection.js'
import type { MqttAddress, MqttTls } from '../mqtt/mqtt-session.js'
import { statusWill } from '../uplink/uplink.js'
import type { Shop } from './shop.js'

/** Where HQ is, and as whom the shop comes; a renewed certificate takes its place in `tls`. */
export interface HqAddress extends Omit<MqttAddress, 'clientId' | 'tls'> {
  tls?: MqttTls
}

export function createConnection(shop: Shop, hq: HqAddress): MqttJsConnection {
  const { store, topics, logger } = shop
  return new MqttJsConnection({
    address: {
      ...hq,
      // Each connection is made by what is there then.
      get tls() {
        return hq.tls
      },
      clientId: `tillbridge-${store}`,
      will: statusWill({ topics, store }),
    },
    clock: systemClock,
    random: systemRandom,
    logger: logger.child({ room: 'mqtt' }),
  })
}

/** @throws TillbridgeError TB_CONFIG_UNREADABLE */
export function addressOf(hq: ShopConfig['hq']): HqAddress {
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
