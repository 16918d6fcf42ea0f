import type { ShopConfig } from '../config/schema.js'
import { systemClock } from '../core/clock.js'
import { systemRandom } from '../core/random.js'
import type { AlarmLog } from '../diagnostics/alarm-log.js'
import type { UpdateGuard } from '../diagnostics/update-guard.js'
import { CommandMemory } from '../downlink/command-memory.js'
import { cancelVerb, dispatcher, pingVerb, sayAgainVerb } from '../downlink/dispatcher.js'
import { Downlink } from '../downlink/downlink.js'
import type { GatewayVerb } from '../downlink/gateway-verb.js'
import { resolveVerb } from '../downlink/resolution.js'
import type { FactIngest } from '../ingest/fact-ingest.js'
import type { Journal } from '../journal/journal.js'
import type { MqttConnection } from '../mqtt/connection.js'
import { RAW_WRITE } from '../terminal/order.js'
import type { TerminalSupervisor } from '../terminal/supervisor.js'
import type { CommandStatus } from '../wire/status.js'
import { denier } from './denier.js'
import type { Spoken } from './dialects.js'
import { followPaymentRules } from './payment-rules.js'
import type { Shop } from './shop.js'
import { terminalSink } from './terminal-sink.js'
import { withoutUpdates } from './updates.js'

/** What is commanded in a shop, by HQ and by its own rules. */
export interface Commands extends Pick<Downlink, 'status' | 'start' | 'stop'> {
  /** No sale comes any more: until then one that a rule names is asked, or an alarm. */
  stopRules(): void
}

/**
 * Nothing where nobody commands: the shop pins no key of HQ, has no rule of payments, and none of
 * before is remembered, of which it may be open what became of it.
 */
export async function openDownlink(rooms: {
  readonly shop: Shop
  readonly journal: Journal
  readonly connection: MqttConnection
  readonly facts: FactIngest
  readonly terminals: TerminalSupervisor
  readonly verbs: readonly GatewayVerb[]
  readonly updates: UpdateGuard
  readonly alarms: AlarmLog
  readonly spoken: readonly Spoken[]
}): Promise<Commands | undefined> {
  const { shop, journal, connection, facts, terminals, verbs, updates, alarms, spoken } = rooms
  const { store, topics, config, clockState } = shop
  const isCommanded = config.hq.keys.length > 0 || config.payments.length > 0
  if (!isCommanded && !(await CommandMemory.isThere(journal))) return undefined
  const logger = shop.logger.child({ room: 'downlink' })
  const deny = denier({ shop, facts, door: 'command' })
  const own: readonly GatewayVerb[] = [
    ...verbs,
    pingVerb,
    cancelVerb(id => downlink.cancel(id)),
    sayAgainVerb((...said) => downlink.sayAgain(...said)),
    resolveVerb(resolution => downlink.resolve(resolution)),
  ]
  for (const verb of unknownVerbs(config, { own, spoken }))
    logger.warn({ verb }, 'hq.twoPerson guards nothing by it: nothing in this shop has such a verb')
  const downlink: Downlink = await Downlink.open({
    store,
    topics,
    keys: config.hq.keys,
    twoPerson: config.hq.twoPerson,
    journal,
    connection,
    sink: dispatcher({
      verbs: own,
      terminals: withoutUpdates(terminalSink({ journal, terminals, clock: systemClock }), updates),
    }),
    deny,
    onDoubt: open => tellDoubt(open, alarms),
    timeZone: config.timeZone,
    clock: systemClock,
    random: systemRandom,
    clockState,
    logger,
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
    stop: () => downlink.stop(),
    stopRules: () => stopRules(),
  }
}

/** Verbs that shall take two persons, and that neither the gateway nor a terminal has. */
export function unknownVerbs(
  { hq }: Pick<ShopConfig, 'hq'>,
  shop: {
    readonly own: readonly Pick<GatewayVerb, 'name'>[]
    readonly spoken: readonly { readonly dialect: Pick<Spoken['dialect'], 'commands'> }[]
  },
): readonly string[] {
  const known = new Set([
    ...shop.own.map(({ name }) => name),
    ...shop.spoken.flatMap(({ dialect }) => [...dialect.commands.keys()]),
    RAW_WRITE,
  ])
  return (hq.twoPerson?.verbs ?? []).filter(verb => !known.has(verb))
}

function tellDoubt(open: CommandStatus['open'], alarms: AlarmLog): void {
  const named = open.map(({ id, target, verb }) => `${verb} of ${target}, ${id}`)
  if (named.length === 0) alarms.clear('payment-open')
  else alarms.raise('payment-open', `nobody knows what came of it: ${named.join('; ')}`)
}
