import { systemClock } from '../core/clock.js'
import type { CommandSink } from '../downlink/downlink.js'
import type { CommandContext } from '../downlink/gateway-verb.js'
import { outcomeOf, paymentTrail } from '../downlink/payment-trail.js'
import type { Journal } from '../journal/journal.js'
import type { CommandOutcome as LinkOutcome } from '../line/link/link.js'
import type { TerminalSupervisor } from '../terminal/supervisor.js'
import type { CommandOutcome, CommandRequest } from '../wire/command.js'

/** The verb by which a dialect has its terminal say what was last. */
const ASK = 'repeat-receipt'
/** The one of which the journal tells whether it went out. */
const AUTHORISE = 'authorise'
/** A terminal that is not ready is asked again after. */
const SOON_MS = 500
/** One that answered, and did not say what came of it. */
const LATER_MS = 30_000

const UNKNOWN: CommandOutcome = {
  type: 'failed',
  reason: 'unknown',
  detail: 'nobody can say what came of it: look at the terminal',
}

/**
 * Commands carried out by the terminals of the shop. Where nobody knows what came of money, the
 * terminal is asked until it says so, and what it says stands in the journal: by that the command
 * ends, and is never sent again.
 */
export function terminalSink(rooms: {
  readonly journal: Journal
  readonly terminals: TerminalSupervisor
}): CommandSink {
  const { journal, terminals } = rooms
  const order = async (request: CommandRequest): Promise<CommandOutcome> => {
    const { id, target, verb, arguments: values } = request
    return withoutWord(await terminals.order(target, { id, verb, values }))
  }
  const isMoney = ({ target, verb }: CommandRequest): boolean => terminals.isMoney(target, verb)
  const resolve = (request: CommandRequest, context: CommandContext): Promise<CommandOutcome> =>
    resolved({ journal, terminals, request, context })
  return {
    changes: () => true,
    isMoney,
    run: async (request, context) => {
      // It may be asked anew what it is before it has answered.
      const movesMoney = isMoney(request)
      const outcome = await order(request)
      const isOpen = outcome.type === 'failed' && outcome.reason === 'unknown'
      return isOpen && movesMoney ? resolve(request, context) : outcome
    },
    ask: resolve,
  }
}

async function resolved(payment: {
  readonly journal: Journal
  readonly terminals: TerminalSupervisor
  readonly request: CommandRequest
  readonly context: CommandContext
}): Promise<CommandOutcome> {
  const { journal, terminals, request, context } = payment
  const { id, target, verb } = request
  const { signal } = context
  for (let n = 1; !signal.aborted; n += 1) {
    const said = await terminals.order(target, { id: `${id}-ask-${n}`, verb: ASK, values: {} })
    const isReady = said.type === 'successful' || (said.reason === 'rejected' && !said.notYet)
    const isMute = said.type === 'failed' && said.reason === 'unsupported'
    if (isReady || isMute) {
      const outcome = verb === AUTHORISE ? outcomeOf(await paymentTrail(journal, request)) : UNKNOWN
      if (outcome !== undefined) return outcome
      if (isMute) return UNKNOWN
    }
    await systemClock.sleep(isReady ? LATER_MS : SOON_MS, signal)
  }
  return UNKNOWN
}

/** For HQ what is not ready yet was not done, as what was refused. */
function withoutWord(outcome: LinkOutcome): CommandOutcome {
  if (outcome.type === 'successful') return { type: 'successful', values: { ...outcome.values } }
  const { type, reason, detail } = outcome
  return { type, reason, detail }
}
