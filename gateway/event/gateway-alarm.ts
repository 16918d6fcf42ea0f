import { z } from 'zod'
import type { EventTypeDefinition } from './event-type.js'
import { text } from './field.js'

/**
 * What someone has to look at; stable names, for alert rules match on them.
 * `journal-damaged`: records are lost or were quarantined; `tail-lost`: newer records than the
 * journal has were acknowledged once; `disk-low`, `disk-full`: room or quota runs out;
 * `backlog-old`: HQ has been away for long; `single-copy`: the second copy is not written;
 * `card-data`: a terminal sent what must not be kept; `line-babbling`: facts of a terminal are
 * summarised because there are too many; `profile-invalid`: changed profiles were refused, those
 * before stay in use; `key-changed`: the store signs with another key than
 * before (until the next start); `cable-failing`: more goes wrong on a terminal's line than did
 * before; `update-held`: something has kept an update away for longer than it should;
 * `update-unfit`: a version failed its self-test on the sale flow, or went back for another reason;
 * `certificate-ending`: the store's certificate was not renewed in time; `second-gateway`: another
 * one speaks as this store;
 * `payment-open`: nobody can say what became of money that a terminal was told to move;
 * `payment-not-asked`: a till's receipt was to be asked of a terminal, and was not.
 */
export const alarmName = z.enum([
  'journal-damaged',
  'tail-lost',
  'disk-low',
  'disk-full',
  'backlog-old',
  'single-copy',
  'card-data',
  'line-babbling',
  'profile-invalid',
  'key-changed',
  'cable-failing',
  'update-held',
  'update-unfit',
  'certificate-ending',
  'second-gateway',
  'payment-open',
  'payment-not-asked',
])
export type AlarmName = z.infer<typeof alarmName>

/** An alarm of the gateway began or ended. */
const gatewayAlarm = {
  class: 'ledger',
  version: 1,
  data: z.strictObject({
    alarm: alarmName,
    state: z.enum(['raised', 'cleared']),
    /** What is wrong and what to do, in words; also on `cleared`: why it was raised. */
    reason: text,
  }),
} as const satisfies EventTypeDefinition

export const alarmTypes = { 'gateway.alarm': gatewayAlarm } as const
