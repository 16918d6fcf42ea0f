import { z } from 'zod'
import type { EventTypeDefinition } from './event-type.js'
import { amountMinor, businessDay, currency, decimal, text } from './field.js'

const lineItem = z.strictObject({
  lineNumber: z.int().min(1),
  gtin: z
    .string()
    .regex(/^\d{8,14}$/)
    .exactOptional(),
  plu: text.exactOptional(),
  description: text,
  quantity: decimal,
  unit: text.exactOptional(),
  /** In major units; may have more decimals than the currency (1.799 a litre). */
  unitPrice: decimal.exactOptional(),
  /** Negative for returns and discounts. */
  amountMinor,
  discountMinor: amountMinor.exactOptional(),
  taxRate: decimal.exactOptional(),
  void: z.boolean().exactOptional(),
})

const tender = z.strictObject({
  type: z.enum(['cash', 'card', 'voucher', 'mobile', 'other']),
  amountMinor,
  reference: text.exactOptional(),
})

const tax = z.strictObject({ rate: decimal, netMinor: amountMinor, taxMinor: amountMinor })

/**
 * A receipt of a till, in POSLog's words. The total is the sum of the items that are not void, plus
 * rounding, plus taxes where prices exclude them: a sale that does not add up is never accepted.
 */
const saleData = z
  .strictObject({
    receiptNumber: text.exactOptional(),
    workstation: text.exactOptional(),
    operator: text.exactOptional(),
    businessDay: businessDay.exactOptional(),
    currency,
    lineItems: z.array(lineItem).max(1000),
    tenders: z.array(tender).max(50),
    totalMinor: amountMinor,
    taxes: z.array(tax).max(20).exactOptional(),
    taxIncluded: z.boolean(),
    roundingMinor: amountMinor.exactOptional(),
    changeMinor: amountMinor.exactOptional(),
    training: z.boolean().exactOptional(),
    reprint: z.boolean().exactOptional(),
    refundOf: text.exactOptional(),
  })
  .superRefine((sale, context) => {
    const items = sale.lineItems.filter(item => item.void !== true)
    const sum = items.reduce((total, item) => total + item.amountMinor, sale.roundingMinor ?? 0)
    const taxes = sale.taxIncluded ? [] : (sale.taxes ?? [])
    const expected = taxes.reduce((total, entry) => total + entry.taxMinor, sum)
    if (expected !== sale.totalMinor)
      context.addIssue({
        code: 'custom',
        path: ['totalMinor'],
        message: `the lines add up to ${expected}, the total says ${sale.totalMinor}`,
      })
  })

const sale = { class: 'ledger', version: 1, data: saleData } as const satisfies EventTypeDefinition

export const saleTypes = {
  'sale.completed': sale,
  'sale.voided': sale,
  'sale.returned': sale,
} as const
