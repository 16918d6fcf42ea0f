import type { ShopConfig } from '../config/schema.js'
import { systemClock } from '../core/clock.js'
import { TillbridgeError } from '../core/errors.js'
import { storeId } from '../core/ids.js'
import { silentLogger } from '../core/log.js'
import { systemRandom } from '../core/random.js'
import type { HqLogin } from '../diagnostics/machine/check.js'
import type { MqttConnection } from '../mqtt/connection.js'
import { firstState } from '../mqtt/first-state.js'
import { MqttJsConnection } from '../mqtt/mqtt-js-connection.js'
import { type Topics, topicsUnder } from '../wire/topics.js'
import { addressOf } from './connection.js'

const LOGIN_MS = 10_000
const FAREWELL_MS = 1000

/**
 * Logs in as the gateway would and asks for what it needs; beside a gateway that runs, for it has
 * another client id. @throws TillbridgeError TB_CONFIG_UNREADABLE
 */
export async function tryLogin(config: ShopConfig): Promise<HqLogin> {
  const store = storeId(config.store)
  const topics = topicsUnder(config.hq.topicRoot)
  const clientId = `tillbridge-doctor-${Buffer.from(systemRandom.bytes(6)).toString('hex')}`
  const connection = new MqttJsConnection({
    address: { ...addressOf(config.hq), clientId },
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    patience: { connectMs: LOGIN_MS, pubackMs: LOGIN_MS },
  })
  let isLedgerHeard = false
  connection.subscribe(topics.receipt(store), () => undefined)
  connection.subscribe(topics.commands(store), () => undefined)
  connection.subscribe(topics.ledger, () => {
    isLedgerHeard = true
  })
  connection.start()
  try {
    const state = await firstState(connection, { withinMs: 2 * LOGIN_MS, clock: systemClock })
    if (state.type !== 'online') {
      const { reason = 'no answer', code = 'TB_MQTT_UNREACHABLE' } =
        state.type === 'connecting' ? state : {}
      return { type: 'refused', code, reason }
    }
    const denied = await denialOf(connection, config, topics)
    return denied ?? { type: 'accepted', protocol: state.protocol, isLedgerHeard }
  } finally {
    await connection.stop(FAREWELL_MS)
  }
}

/** Of what the gateway writes, what the broker says that it may not (MQTT 5 alone says so). */
async function denialOf(
  connection: MqttConnection,
  { store: name, hq: { mode } }: ShopConfig,
  topics: Topics,
): Promise<HqLogin | undefined> {
  const store = storeId(name)
  const written = [topics.doctor(store), ...(mode === 'direct' ? [topics.probe(store)] : [])]
  for (const topic of written)
    try {
      await connection.publish({ topic, payload: '' })
    } catch (thrown) {
      if (!(thrown instanceof TillbridgeError)) throw thrown
      return { type: 'refused', code: thrown.code, reason: thrown.message }
    }
  return undefined
}
