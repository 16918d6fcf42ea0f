import { systemClock } from '../core/clock.js'
import { LIMITS } from '../core/limits.js'
import { silentLogger } from '../core/log.js'
import { systemRandom } from '../core/random.js'
import { fail, ok, type Result } from '../core/result.js'
import type { AlarmLog } from '../diagnostics/alarm-log.js'
import { CertificateAlarm } from '../enrol/certificate-end.js'
import { deviceWith } from '../enrol/device.js'
import { identityPaths, readIdentity } from '../enrol/identity.js'
import { CertificateRenewal } from '../enrol/renewal.js'
import { watchSecondGateway } from '../enrol/second-gateway.js'
import type { Journal } from '../journal/journal.js'
import type { MqttConnection } from '../mqtt/connection.js'
import { firstState } from '../mqtt/first-state.js'
import { MqttJsConnection } from '../mqtt/mqtt-js-connection.js'
import type { StoreKey } from '../security/store-key.js'
import { addressOf, createConnection, type HqAddress } from './connection.js'
import type { Shop } from './shop.js'

const FAREWELL_MS = 1_000

interface LinkRooms {
  readonly shop: Shop
  readonly journal: Journal
  readonly storeKey: StoreKey
  readonly alarms: AlarmLog
}

/** The shop's one connection to HQ, and what looks after it. */
export interface HqLink {
  readonly connection: MqttJsConnection
  /** Its certificates. */
  readonly rooms: readonly Room[]
  stop(): void
}

/** Not started yet. @throws TillbridgeError TB_CONFIG_UNREADABLE */
export function openHqLink(rooms: LinkRooms): HqLink {
  const { shop, journal, alarms } = rooms
  const address = addressOf(shop.config.hq)
  const connection = createConnection(shop, address)
  return {
    connection,
    rooms: certificateRooms({ ...rooms, connection, address }),
    stop: watchSecondGateway({
      ...{ connection, alarms, clock: systemClock },
      receipts: shop.topics.receipt(shop.store),
      epoch: journal.epoch,
    }),
  }
}

/** Something that runs as long as the shop does. */
interface Room {
  run(signal: AbortSignal): Promise<void>
}

/**
 * Where HQ enrolled this gateway its certificate is renewed; where somebody put one there, its end
 * is announced.
 */
function certificateRooms(
  rooms: LinkRooms & { readonly connection: MqttConnection; readonly address: HqAddress },
): readonly Room[] {
  const { shop, connection, address, storeKey, alarms } = rooms
  const { config, store, topics, software } = shop
  const { dataDir } = config
  const certFile = config.hq.tls?.certFile
  if (certFile === undefined) return []
  const current = (): string => String(address.tls?.cert)
  const watched = { current, alarms, clock: systemClock }
  const identity = certFile === identityPaths(dataDir).client ? readIdentity(dataDir) : undefined
  if (identity === undefined) return [new CertificateAlarm(watched)]
  return [
    new CertificateRenewal({
      ...{ ...watched, store, topics, software, dataDir, connection },
      device: deviceWith(storeKey.key),
      authority: identity.authority,
      replace: pem => {
        address.tls = { ...address.tls, cert: pem, key: pem }
      },
      prove: (pem, signal) => prove({ shop, address, pem }, signal),
      logger: shop.logger.child({ room: 'enrol' }),
    }),
  ]
}

/** One connection beside the store's own, under another name. */
async function prove(
  given: { readonly shop: Shop; readonly address: HqAddress; readonly pem: string },
  signal: AbortSignal,
): Promise<Result<undefined, string>> {
  const { shop, address, pem } = given
  const connection = new MqttJsConnection({
    address: {
      ...address,
      // No store id has a dot.
      clientId: `tillbridge-${shop.store}.trial`,
      tls: { ...address.tls, cert: pem, key: pem },
    },
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
  })
  connection.start()
  const state = await firstState(connection, {
    withinMs: LIMITS.certificateTrialMs,
    clock: systemClock,
    signal,
  })
  await connection.stop(FAREWELL_MS)
  if (state.type === 'online') return ok(undefined)
  const reason = state.type === 'connecting' ? state.reason : undefined
  return fail(reason ?? 'it does not answer')
}
