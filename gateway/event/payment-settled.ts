import { z } from 'zod'
import type { EventTypeDefinition } from './event-type.js'
import { amountMinor, currency, text } from './field.js'

/** What a payment terminal handed to its acquirers at the end of its day, by its own count. */
const paymentSettled = {
  class: 'ledger',
  version: 1,
  data: z.strictObject({
    currency,
    /** The sum of all schemes, refunds and reversals subtracted. */
    amountMinor,
    /** How many payments that are; absent where the terminal counts none. */
    paymentCount: z.int().min(0).exactOptional(),
    /** Of each scheme that was used; empty where the terminal names one sum alone. */
    schemes: z.array(
      z.strictObject({ cardScheme: text, count: z.int().min(0).exactOptional(), amountMinor }),
    ),
    firstReceiptNumber: text.exactOptional(),
    lastReceiptNumber: text.exactOptional(),
    traceNumber: text.exactOptional(),
    terminalId: text.exactOptional(),
  }),
} as const satisfies EventTypeDefinition

export const settlementTypes = { 'payment.settled': paymentSettled } as const
