import { z } from 'zod'
import type { EventTypeDefinition } from './event-type.js'
import { hex, text } from './field.js'

export const commandFailure = z.enum([
  /** The store or the terminal would not have it. */
  'rejected',
  /** It was begun, and did not end in time. */
  'timeout',
  /** It came too late: nothing was begun. */
  'expired',
  /** There is no such target or verb. */
  'unsupported',
  /** Nobody can say whether it was carried out. */
  'unknown',
])

/** A command of HQ reached this state; what changes anything is journaled before it is done. */
const gatewayCommand = {
  class: 'ledger',
  version: 1,
  data: z.strictObject({
    command: text,
    issuer: text,
    /** A terminal, or `gateway`. */
    target: text,
    verb: text,
    /** SHA-256 of the arguments in canonical JSON: they may hold what does not belong here. */
    argumentsDigest: hex.length(64),
    /** It may move money: while its end is unknown it is open, until a `payment.resolved`. */
    money: z.literal(true).exactOptional(),
    state: z.enum(['accepted', 'executing', 'successful', 'failed']),
    reason: commandFailure.exactOptional(),
    detail: z.string().max(400).exactOptional(),
  }),
} as const satisfies EventTypeDefinition

export const commandTypes = { 'gateway.command': gatewayCommand } as const
