import { z } from 'zod'
import type { EventTypeDefinition } from './event-type.js'
import { amountMinor, decimal, hex, text } from './field.js'

/** First record of every epoch: ties its chain to the end of the one before. */
const gatewayStarted = {
  class: 'ledger',
  version: 1,
  data: z.strictObject({
    software: text,
    /** Absent in a journal's very first epoch. */
    previous: z.strictObject({ epoch: text, last: z.int().min(0), head: hex }).exactOptional(),
  }),
} as const satisfies EventTypeDefinition

/**
 * This software took what a terminal within it said, on the road that sales take: that it stands in
 * the ledger is the proof. Made of what sales are made of, and no sale: nobody paid.
 */
const gatewaySelfTested = {
  class: 'ledger',
  version: 1,
  data: z.strictObject({
    software: text,
    /** Tells it from every other. */
    word: text,
    lineItems: z
      .array(
        z.strictObject({
          lineNumber: z.int().min(1),
          plu: text,
          description: text,
          quantity: decimal,
          amountMinor,
        }),
      )
      .max(99),
    totalMinor: amountMinor,
  }),
} as const satisfies EventTypeDefinition

export const gatewayTypes = {
  'gateway.started': gatewayStarted,
  'gateway.self-tested': gatewaySelfTested,
} as const
