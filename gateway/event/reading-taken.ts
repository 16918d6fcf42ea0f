import { z } from 'zod'
import type { EventTypeDefinition } from './event-type.js'
import { decimal, text } from './field.js'

/**
 * What a sensor, a meter or a fridge says by itself, again and again: the one kind of fact of which
 * old ones may go when the disk runs low.
 */
const readingTaken = {
  class: 'telemetry',
  version: 1,
  data: z
    .strictObject({
      /** What was read: the register of a meter, the characteristic of a sensor. */
      register: text,
      quantity: decimal.exactOptional(),
      /** As the terminal names it: `°C`, `kWh`, `%`. */
      unit: text,
      /** In place of the quantity: the sensor does not measure (a probe is cut). */
      fault: text.exactOptional(),
    })
    .refine(({ quantity, fault }) => (quantity === undefined) !== (fault === undefined), {
      error: 'expected a quantity or a fault',
    }),
} as const satisfies EventTypeDefinition

export const readingTypes = { 'reading.taken': readingTaken } as const
