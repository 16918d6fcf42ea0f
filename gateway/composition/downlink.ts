import { systemClock } from '../core/clock.js'
import { systemRandom } from '../core/random.js'
import type { UpdateGuard } from '../diagnostics/update-guard.js'
import { cancelVerb, dispatcher, pingVerb, sayAgainVerb } from '../downlink/dispatcher.js'
import { Downlink } from '../downlink/downlink.js'
import type { GatewayVerb } from '../downlink/gateway-verb.js'
import type { FactIngest } from '../ingest/fact-ingest.js'
import type { Journal } from '../journal/journal.js'
import type { MqttConnection } from '../mqtt/connection.js'
import type { TerminalSupervisor } from '../terminal/supervisor.js'
import { denier } from './denier.js'
import { followPaymentRules } from './payment-rules.js'
import type { Shop } from './shop.js'
import { terminalSink } from './terminal-sink.js'
import { withoutUpdates } from './updates.js'

/** What is commanded in a shop, by HQ and by its own rules. */
export type Commands = Pick<Downlink, 'status' | 'start' | 'stop'>

/** Nothing where the shop pins no key of HQ and has no rule of payments: nobody commands then. */
export async function openDownlink(rooms: {
  readonly shop: Shop
  readonly journal: Journal
  readonly connection: MqttConnection
  readonly facts: FactIngest
  readonly terminals: TerminalSupervisor
  readonly verbs: readonly GatewayVerb[]
  readonly updates: UpdateGuard
}): Promise<Commands | undefined> {
  const { shop, journal, connection, facts, terminals, verbs, updates } = rooms
  const { store, topics, config, clockState } = shop
  if (config.hq.keys.length === 0 && config.payments.length === 0) return undefined
  const deny = denier({ shop, facts, door: 'command' })
  const downlink: Downlink = await Downlink.open({
    store,
    topics,
    keys: config.hq.keys,
    journal,
    connection,
    sink: dispatcher({
      verbs: [
        ...verbs,
        pingVerb,
        cancelVerb(id => downlink.cancel(id)),
        sayAgainVerb((...said) => downlink.sayAgain(...said)),
      ],
      terminals: withoutUpdates(terminalSink({ journal, terminals }), updates),
    }),
    deny,
    timeZone: config.timeZone,
    clock: systemClock,
    random: systemRandom,
    clockState,
    logger: shop.logger.child({ room: 'downlink' }),
  })
  let stopRules: () => void = () => undefined
  return {
    get status() {
      return downlink.status
    },
    start: () => {
      downlink.start()
      stopRules = followPaymentRules({ rules: config.payments, journal, downlink })
    },
    stop: () => {
      stopRules()
      return downlink.stop()
    },
  }
}
