import { z } from 'zod'
import type { EventTypeDefinition } from './event-type.js'
import { amountMinor, currency, text } from './field.js'

const vends = z.int().min(0)

/**
 * The counters of a vending machine, each **since its initialisation**: an audit is no sale, and
 * two of them minus each other are what was sold between. That is HQ's to do; a counter that is
 * smaller than before was reset, or the machine was exchanged: start again from it, book nothing.
 * A member that is missing is not kept by the machine.
 */
const vendingAudited = {
  class: 'ledger',
  version: 1,
  data: z.strictObject({
    serial: text.exactOptional(),
    model: text.exactOptional(),
    location: text.exactOptional(),
    asset: text.exactOptional(),
    currency,
    /** What the machine's own clock showed, local time; it is often wrong. */
    machineTime: text.exactOptional(),
    /** Vends that were paid for, of tests, and that were free. */
    paidVends: vends.exactOptional(),
    paidMinor: amountMinor.exactOptional(),
    testVends: vends.exactOptional(),
    testMinor: amountMinor.exactOptional(),
    freeVends: vends.exactOptional(),
    freeMinor: amountMinor.exactOptional(),
    /** Put in by customers; of that what fell into the cash box, and bills. */
    cashInMinor: amountMinor.exactOptional(),
    cashToBoxMinor: amountMinor.exactOptional(),
    billsInMinor: amountMinor.exactOptional(),
    /** Given out as change; filled in by hand; what the coin tubes hold now. */
    cashOutMinor: amountMinor.exactOptional(),
    cashFilledMinor: amountMinor.exactOptional(),
    tubesMinor: amountMinor.exactOptional(),
    powerOutages: z.int().min(0).exactOptional(),
    /** Paid vends by how they were paid. */
    tenders: z
      .array(
        z.strictObject({
          tender: text,
          vends: vends.exactOptional(),
          amountMinor: amountMinor.exactOptional(),
        }),
      )
      .max(8),
    products: z
      .array(
        z.strictObject({
          selection: text,
          name: text.exactOptional(),
          priceMinor: amountMinor.exactOptional(),
          vends: vends.exactOptional(),
          amountMinor: amountMinor.exactOptional(),
        }),
      )
      .max(1000),
    /** The same by how they were paid, where the machine counts so; only what counts something. */
    productTenders: z
      .array(
        z.strictObject({
          selection: text,
          tender: text,
          priceList: text,
          priceMinor: amountMinor.exactOptional(),
          vends: vends.exactOptional(),
          amountMinor: amountMinor.exactOptional(),
        }),
      )
      .max(4000),
    /** Whether the tenders make up what was paid; false on some machines, and no fault of ours. */
    tendersAddUp: z.boolean().exactOptional(),
    /** Whether the file holds as many segments as it says; it often does not. */
    segmentsAddUp: z.boolean().exactOptional(),
  }),
} as const satisfies EventTypeDefinition

export const vendingTypes = { 'vending.audited': vendingAudited } as const
