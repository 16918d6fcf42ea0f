import { z } from 'zod'
import type { EventTypeDefinition } from './event-type.js'
import { text } from './field.js'

/** What people found out of money of which no machine could say what became of it. */
const paymentResolved = {
  class: 'ledger',
  version: 1,
  data: z.strictObject({
    /** The command that moved it, as in its `gateway.command`. */
    command: text,
    verb: text,
    /** `declined`: it did not move; `reversed`: it did, and was given back. */
    as: z.enum(['approved', 'declined', 'reversed']),
    /** Who says so, and how it is known. */
    by: text,
    note: text,
  }),
} as const satisfies EventTypeDefinition

export const resolutionTypes = { 'payment.resolved': paymentResolved } as const
