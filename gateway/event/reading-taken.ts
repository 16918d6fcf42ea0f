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
  data: z.strictObject({
    /** What was read: the register of a meter, the characteristic of a sensor. */
    register: text,
    quantity: decimal,
    /** As the terminal names it: `°C`, `kWh`, `%`. */
    unit: text,
  }),
} as const satisfies EventTypeDefinition

export const readingTypes = { 'reading.taken': readingTaken } as const
