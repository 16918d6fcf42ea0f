import { z } from 'zod'
import type { EventTypeDefinition } from './event-type.js'
import { amountMinor, currency, maskedPan, text } from './field.js'

/** What a payment terminal decided, in nexo's words. Never a full card number. */
const paymentData = z.strictObject({
  amountMinor,
  currency,
  method: z.enum(['card', 'mobile', 'other']),
  cardScheme: text.exactOptional(),
  maskedPan: maskedPan.exactOptional(),
  authorisationCode: text.exactOptional(),
  terminalReceiptNumber: text.exactOptional(),
  traceNumber: text.exactOptional(),
  terminalId: text.exactOptional(),
  reason: text.exactOptional(),
})

const payment = {
  class: 'ledger',
  version: 1,
  data: paymentData,
} as const satisfies EventTypeDefinition

export const paymentTypes = {
  /** The terminal was asked for it; what came of it is told by one of the others. */
  'payment.started': payment,
  'payment.approved': payment,
  'payment.declined': payment,
  'payment.reversed': payment,
  /** Nobody can say yet whether the money moved: never an invitation to ask for it again. */
  'payment.unknown': payment,
} as const
