import type { Clock } from '../core/clock.js'
import { untilAborted } from '../core/until-aborted.js'
import type { CommandSink } from '../downlink/downlink.js'
import type { CommandContext } from '../downlink/gateway-verb.js'
import {
  isDecision,
  outcomeOf,
  outcomeOfOther,
  type PaymentTrail,
  paymentTrail,
} from '../downlink/payment-trail.js'
import type { Journal } from '../journal/journal.js'
import type { CommandOutcome as LinkOutcome } from '../line/link/link.js'
import type { TerminalSupervisor } from '../terminal/supervisor.js'
import type { CommandOutcome, CommandRequest } from '../wire/command.js'

/** The verb by which a dialect has its terminal say what was last. */
const ASK = 'repeat-receipt'
/** The one of which the journal tells whether it went out. */
const AUTHORISE = 'authorise'
/** A terminal that is not ready is asked again after; a silent one later and later. */
const SOON_MS = 500
/** One that answered, and did not say what came of it. */
const LATER_MS = 30_000

const UNKNOWN: CommandOutcome = {
  type: 'failed',
  reason: 'unknown',
  detail: 'nobody can say what came of it: look at the terminal, and say so by payment-resolve',
}

/** Terminals, as far as they are commanded. */
export type CommandedTerminals = Pick<TerminalSupervisor, 'order' | 'isMoney' | 'isUnsettled'>

interface Rooms {
  readonly journal: Journal
  readonly terminals: CommandedTerminals
  readonly clock: Clock
}

/**
 * Commands carried out by the terminals of the shop. Where nobody knows what came of money, the
 * terminal is asked until it says so, and what it says stands in the journal: by that the command
 * ends, and is never sent again. One that cannot be asked ends `unknown`.
 */
export function terminalSink(rooms: Rooms): CommandSink {
  const { terminals } = rooms
  return {
    changes: () => true,
    isMoney: ({ target, verb }) => terminals.isMoney(target, verb),
    run: async ({ id, target, verb, arguments: values }, { untilMs }) =>
      withoutWord(await terminals.order(target, { id, verb, values, untilMs })),
    ask: (request, context) => ask(rooms, request, context),
  }
}

async function ask(
  rooms: Rooms,
  request: CommandRequest,
  { signal }: CommandContext,
): Promise<CommandOutcome> {
  const { terminals, clock } = rooms
  const { id, target, verb, arguments: values } = request
  let silentMs = SOON_MS
  for (let n = 1; !signal.aborted; n += 1) {
    const asked = { id: `${id}-ask-${n}`, verb: ASK, values: {}, about: { verb, values } }
    const said = await untilAborted(terminals.order(target, asked), signal)
    if (said === undefined) break
    if (said.type === 'failed' && said.reason === 'unsupported')
      return (await byTrail(rooms, request)) ?? UNKNOWN
    const hasSaid = said.type === 'successful' || (said.reason === 'rejected' && !said.notYet)
    if (hasSaid) {
      const outcome = await answered(rooms, request, said)
      if (outcome !== undefined) return outcome
    }
    const isSilent = !hasSaid && said.type === 'failed' && said.reason === 'unknown'
    silentMs = isSilent ? Math.min(2 * silentMs, LATER_MS) : SOON_MS
    await clock.sleep(hasSaid ? LATER_MS : silentMs, signal)
  }
  return UNKNOWN
}

/** By what the terminal said, now that it has spoken. Undefined: nobody can say yet. */
async function answered(
  rooms: Rooms,
  request: CommandRequest,
  said: LinkOutcome,
): Promise<CommandOutcome | undefined> {
  const { journal, terminals } = rooms
  const { target, verb } = request
  if (verb === AUTHORISE) {
    const trail = await paymentTrail(journal, request)
    const isDenied = said.type === 'failed' && said.notDone === true
    return outcomeOf(trail) ?? (isDenied ? denied(trail, said.detail) : undefined)
  }
  const isUnsettled = await terminals.isUnsettled(target)
  if (isUnsettled === true) return undefined
  return isUnsettled === undefined
    ? UNKNOWN
    : outcomeOfOther(await paymentTrail(journal, request), request)
}

/** What is last there is another payment. Where that is a newer one, ours may stand before it. */
function denied({ events }: PaymentTrail, detail: string): CommandOutcome {
  const isNewer = events.some(isDecision)
  return isNewer ? UNKNOWN : { type: 'failed', reason: 'rejected', detail }
}

/** One that cannot be asked may have said it before it fell silent. */
async function byTrail(
  { journal }: Rooms,
  request: CommandRequest,
): Promise<CommandOutcome | undefined> {
  return request.verb === AUTHORISE ? outcomeOf(await paymentTrail(journal, request)) : undefined
}

/** For HQ what is not ready yet was not done, as what was refused. */
function withoutWord(outcome: LinkOutcome): CommandOutcome {
  if (outcome.type === 'successful') return { type: 'successful', values: { ...outcome.values } }
  const { type, reason, detail } = outcome
  return { type, reason, detail }
}
