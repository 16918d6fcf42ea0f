import { z } from 'zod'
import type { EventTypeDefinition } from './event-type.js'
import { amountMinor, currency, text } from './field.js'

/**
 * What a register had its printer do, from one cut to the next. A receipt that is a sale is
 * captured beside its `sale.completed`; one that is not (a reprint, a report, a kitchen order) only
 * here.
 */
const receiptCaptured = {
  class: 'ledger',
  version: 1,
  data: z.strictObject({
    /** `other`: the profile has no word for it. `drawer`: the drawer opened, and nothing else. */
    kind: z.enum([
      'sale',
      'return',
      'void',
      'reprint',
      'training',
      'x-report',
      'z-report',
      'kitchen',
      'other',
      'drawer',
    ]),
    /** Its lines as they were printed, without card numbers. */
    text: z.string().max(16_000),
    /** Lines that were too many to keep. */
    linesLeftOut: z.int().min(1).exactOptional(),
    receiptNumber: text.exactOptional(),
    currency: currency.exactOptional(),
    totalMinor: amountMinor.exactOptional(),
    codes: z
      .array(z.strictObject({ symbology: text, data: z.string().max(400) }))
      .max(20)
      .exactOptional(),
    images: z.int().min(0),
    cut: z.boolean(),
    drawerOpened: z.boolean(),
    /** Commands that nobody knows, or that are not whole. */
    warnings: z.int().min(0),
  }),
} as const satisfies EventTypeDefinition

export const receiptTypes = { 'receipt.captured': receiptCaptured } as const
