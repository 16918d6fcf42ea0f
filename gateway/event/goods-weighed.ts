import { z } from 'zod'
import type { EventTypeDefinition } from './event-type.js'
import { decimal } from './field.js'

/** A weight as the scale showed it; unstable or overloaded readings are not weights of goods. */
const goodsWeighed = {
  class: 'ledger',
  version: 1,
  data: z.strictObject({
    quantity: decimal,
    unit: z.enum(['kg', 'g', 't', 'lb', 'oz', 'ct']),
    stable: z.boolean(),
    tare: decimal.exactOptional(),
  }),
} as const satisfies EventTypeDefinition

export const goodsTypes = { 'goods.weighed': goodsWeighed } as const
