import { z } from 'zod'
import type { Clock } from '../core/clock.js'
import { derivedEventId, type StoreId } from '../core/ids.js'
import type { ClockState, Event } from '../event/event.js'
import { makeEvent } from '../event/make-event.js'
import type { CommandOutcome, CommandRequest } from '../wire/command.js'
import { failed } from './command-state.js'
import { type GatewayVerb, gatewayVerb } from './gateway-verb.js'

const given = z.strictObject({
  /** The id of the command. */
  intent: z.string(),
  as: z.enum(['approved', 'declined', 'reversed']),
  /** How it is known. */
  note: z.string().min(1).max(200),
})

/** What somebody says came of money of which no machine could. */
export interface Resolution extends z.infer<typeof given> {
  readonly by: string
}

/** HQ says what came of a payment, after somebody looked at the terminal. */
export function resolveVerb(
  resolve: (resolution: Resolution) => Promise<CommandOutcome>,
): GatewayVerb {
  return gatewayVerb({
    name: 'payment-resolve',
    arguments: given,
    changes: true,
    run: (resolution, { issuer }) => resolve({ ...resolution, by: issuer }),
  })
}

/** What whoever says the command again hears from then on. */
export function outcomeOf({ as, by, note }: Resolution): CommandOutcome {
  if (as === 'approved') return { type: 'successful', values: { resolvedBy: by, note } }
  return failed('rejected', `${as}, says ${by}: ${note}`)
}

export function recordOf(
  { as, by, note }: Resolution,
  { id: command, target, verb }: CommandRequest,
  at: {
    readonly store: StoreId
    readonly timeZone: string
    readonly clock: Clock
    readonly clockState: () => ClockState
  },
): Event {
  const { store, timeZone, clock, clockState } = at
  return makeEvent({
    type: 'payment.resolved',
    data: { command, verb, as, by, note },
    id: derivedEventId(['payment.resolved', command]),
    store,
    terminal: target,
    wallMs: clock.wallMs(),
    timeZone,
    clockState: clockState(),
  })
}
