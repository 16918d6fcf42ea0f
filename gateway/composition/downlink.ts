import { systemClock } from '../core/clock.js'
import { systemRandom } from '../core/random.js'
import type { AlarmLog } from '../diagnostics/alarm-log.js'
import type { UpdateGuard } from '../diagnostics/update-guard.js'
import { cancelVerb, dispatcher, pingVerb, sayAgainVerb } from '../downlink/dispatcher.js'
import { Downlink } from '../downlink/downlink.js'
import type { GatewayVerb } from '../downlink/gateway-verb.js'
import { resolveVerb } from '../downlink/resolution.js'
import type { FactIngest } from '../ingest/fact-ingest.js'
import type { Journal } from '../journal/journal.js'
import type { MqttConnection } from '../mqtt/connection.js'
import type { TerminalSupervisor } from '../terminal/supervisor.js'
import type { CommandStatus } from '../wire/status.js'
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
  readonly alarms: AlarmLog
}): Promise<Commands | undefined> {
  const { shop, journal, connection, facts, terminals, verbs, updates, alarms } = rooms
  const { store, topics, config, clockState } = shop
  if (config.hq.keys.length === 0 && config.payments.length === 0) return undefined
  const deny = denier({ shop, facts, door: 'command' })
  const downlink: Downlink = await Downlink.open({
    store,
    topics,
    keys: config.hq.keys,
    twoPerson: config.hq.twoPerson,
    journal,
    connection,
    sink: dispatcher({
      verbs: [
        ...verbs,
        pingVerb,
        cancelVerb(id => downlink.cancel(id)),
        sayAgainVerb((...said) => downlink.sayAgain(...said)),
        resolveVerb(resolution => downlink.resolve(resolution)),
      ],
      terminals: withoutUpdates(terminalSink({ journal, terminals, clock: systemClock }), updates),
    }),
    deny,
    onDoubt: open => tellDoubt(open, alarms),
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
      stopRules = followPaymentRules({ rules: config.payments, journal, downlink, alarms })
    },
    stop: () => {
      stopRules()
      return downlink.stop()
    },
  }
}

function tellDoubt(open: CommandStatus['open'], alarms: AlarmLog): void {
  const named = open.map(({ id, target, verb }) => `${verb} of ${target}, ${id}`)
  if (named.length === 0) alarms.clear('payment-open')
  else alarms.raise('payment-open', `nobody knows what came of it: ${named.join('; ')}`)
}
