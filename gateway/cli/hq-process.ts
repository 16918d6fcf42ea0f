import { join, resolve } from 'node:path'
import { FULL_ACCESS } from '../broker/access-rules.js'
import { type BrokerClient, LocalBroker } from '../broker/local-broker.js'
import type { HqClients } from '../config/hq-clients.js'
import { systemClock } from '../core/clock.js'
import type { Logger } from '../core/log.js'
import { systemRandom } from '../core/random.js'
import { HqServer } from '../hq/hq-server.js'
import type { Ledger } from '../hq/ledger.js'
import { QueryServer } from '../hq/query-server.js'
import { Registrar } from '../hq/stores/registrar.js'
import type { StoreRegister } from '../hq/stores/store-register.js'
import { parseBrokerUrl } from '../mqtt/broker-url.js'
import { MqttJsConnection } from '../mqtt/mqtt-js-connection.js'
import type { MqttAddress } from '../mqtt/mqtt-session.js'
import { hashPassword } from '../security/password.js'
import { topicsUnder } from '../wire/topics.js'
import { type LedgerPlace, openLedger } from './hq-ledger.js'

const FAREWELL_MS = 2_000
/** The user that HQ's own receiver is at the broker it brings along. */
const OWN_USER = 'hq'

/** A broker of its own, or one that runs elsewhere. */
export type HqBroker =
  | {
      readonly type: 'embedded'
      readonly listen: { readonly host: string; readonly port: number }
      readonly clients: HqClients
    }
  | {
      readonly type: 'remote'
      readonly url: string
      readonly username?: string
      readonly password?: string
      /** PEM of the authorities to trust. */
      readonly ca?: string
    }

export interface HqOptions {
  readonly place: LedgerPlace
  readonly topicRoot: string
  readonly broker: HqBroker
  /** Tells this receiver from others at one broker, which ends an older client of the same name. */
  readonly name?: string
  /** Whose certificates it renews. */
  readonly register?: StoreRegister
  readonly logger: Logger
}

/** Where a running HQ answers questions about its ledger. */
export function querySocket(dataDir: string): string {
  return join(resolve(dataDir), 'query.sock')
}

/**
 * HQ's side, until the signal aborts: ledger, receiver, fan-out, and a broker where asked for.
 * @throws TillbridgeError what keeps it from starting: TB_LEDGER_…, TB_BROKER_LISTEN
 */
export async function runHq(options: HqOptions, signal: AbortSignal): Promise<void> {
  const { place, logger } = options
  const ledger = await openLedger(place, { make: true })
  try {
    const { address, embedded } = await openBroker(options)
    const { host, port } = address
    const role = embedded === undefined ? 'HQ uses the broker' : 'HQ has a broker of its own'
    logger.info({ ...(await ledger.generation()), host, port }, role)
    try {
      await serve({ options, ledger, address, signal })
    } finally {
      await embedded?.stop()
    }
  } finally {
    await ledger.close()
  }
  logger.info('stopped')
}

async function serve(hq: {
  readonly options: HqOptions
  readonly ledger: Ledger
  readonly address: MqttAddress
  readonly signal: AbortSignal
}): Promise<void> {
  const { options, ledger, address, signal } = hq
  const { logger, topicRoot, place, register } = options
  const topics = topicsUnder(topicRoot)
  const tools = { clock: systemClock, random: systemRandom }
  const connection = new MqttJsConnection({
    ...tools,
    address,
    logger: logger.child({ room: 'mqtt' }),
  })
  const server = new HqServer({
    ...tools,
    ledger,
    connection,
    topics,
    logger: logger.child({ room: 'hq' }),
  })
  const registrar =
    register === undefined
      ? undefined
      : new Registrar({ register, connection, topics, logger: logger.child({ room: 'stores' }) })
  // The embedded ledger is locked by this process, so it answers for it.
  const queries =
    place.type === 'postgres'
      ? undefined
      : new QueryServer({
          ledger,
          logger,
          path: querySocket(place.dataDir),
          status: () => server.status,
        })
  await queries?.start()
  server.start()
  registrar?.start()
  connection.start()
  await aborted(signal)
  await Promise.all([
    server.stop(),
    registrar?.stop(),
    connection.stop(FAREWELL_MS),
    queries?.stop(),
  ])
}

async function openBroker(
  options: HqOptions,
): Promise<{ readonly address: MqttAddress; readonly embedded?: LocalBroker }> {
  const { broker, logger, name } = options
  // No store id has a dot: a store is no receiver's client, which the broker would end for it.
  const clientId = [`tillbridge-${OWN_USER}`, ...(name === undefined ? [] : [name])].join('.')
  if (broker.type === 'remote') {
    const { url, username, password, ca } = broker
    const { host, port, secure } = parseBrokerUrl(url)
    return {
      address: {
        host,
        port,
        clientId,
        ...(username === undefined ? {} : { username }),
        ...(password === undefined ? {} : { password }),
        ...(secure ? { tls: ca === undefined ? {} : { ca } } : {}),
      },
    }
  }
  const password = Buffer.from(systemRandom.bytes(16)).toString('hex')
  const self: BrokerClient = {
    username: OWN_USER,
    passwordHash: await hashPassword(password, systemRandom),
    rules: FULL_ACCESS,
  }
  const others = broker.clients.map(({ name, passwordHash, read, write }) => ({
    username: name,
    passwordHash,
    rules: { read, write },
  }))
  const embedded = new LocalBroker({
    id: 'tillbridge-hq',
    listen: broker.listen,
    clients: [self, ...others],
    random: systemRandom,
    logger: logger.child({ room: 'broker' }),
  })
  await embedded.start()
  const { host, port } = embedded.address ?? broker.listen
  return { address: { host, port, clientId, username: OWN_USER, password }, embedded }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
}
