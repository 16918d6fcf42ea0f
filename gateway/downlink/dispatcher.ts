import { z } from 'zod'
import { GATEWAY_TERMINAL } from '../event/event.js'
import type { CommandOutcome, CommandRequest } from '../wire/command.js'
import type { CommandSink } from './downlink.js'
import { type GatewayVerb, gatewayVerb } from './gateway-verb.js'

/** Verbs of the gateway by its table, those of terminals by whoever speaks with them. */
export function dispatcher(options: {
  readonly verbs: readonly GatewayVerb[]
  readonly terminals: CommandSink
}): CommandSink {
  const { verbs, terminals } = options
  const byName = new Map(verbs.map(verb => [verb.name, verb]))
  const isForGateway = ({ target }: CommandRequest): boolean => target === GATEWAY_TERMINAL
  return {
    changes: request =>
      isForGateway(request)
        ? (byName.get(request.verb)?.changes ?? true)
        : terminals.changes(request),
    isMoney: request => !isForGateway(request) && terminals.isMoney(request),
    run: async (request, context) => {
      if (!isForGateway(request)) return terminals.run(request, context)
      const verb = byName.get(request.verb)
      return verb === undefined
        ? unsupported(request, [...byName.keys()])
        : verb.run(request.arguments, context)
    },
    ask: (request, context) => terminals.ask(request, context),
  }
}

function unsupported({ verb }: CommandRequest, names: readonly string[]): CommandOutcome {
  const detail = `the gateway has no ${verb}; it has ${names.join(', ')}`
  return { type: 'failed', reason: 'unsupported', detail: detail.slice(0, 400) }
}

/** Whether the gateway hears commands at all, and carries them out. */
export const pingVerb = gatewayVerb({
  name: 'ping',
  arguments: z.strictObject({}),
  changes: false,
  run: async () => ({ type: 'successful', values: {} }),
})

/** Ends a command that runs, by what says why it does not. */
export function cancelVerb(cancel: (id: string) => string | undefined): GatewayVerb {
  return gatewayVerb({
    name: 'cancel',
    arguments: z.strictObject({ id: z.string() }),
    changes: false,
    run: async ({ id }) => {
      const obstacle = cancel(id)
      return obstacle === undefined
        ? { type: 'successful', values: {} }
        : { type: 'failed', reason: 'rejected', detail: obstacle }
    },
  })
}

/** Says a long answer once more from a chunk on, to who was away when it was said. */
export function sayAgainVerb(
  sayAgain: (id: string, first: number, signal: AbortSignal) => Promise<boolean>,
): GatewayVerb {
  return gatewayVerb({
    name: 'say-again',
    arguments: z.strictObject({ id: z.string(), from: z.int().min(0) }),
    changes: false,
    run: async ({ id, from }, { signal }) =>
      (await sayAgain(id, from, signal))
        ? { type: 'successful', values: {} }
        : { type: 'failed', reason: 'rejected', detail: `chunk ${from} of ${id} is forgotten` },
  })
}
