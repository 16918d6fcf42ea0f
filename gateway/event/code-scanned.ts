import { z } from 'zod'
import type { EventTypeDefinition } from './event-type.js'
import { text } from './field.js'

/**
 * One reading of a barcode scanner. `elements` maps GS1 application identifiers to their values.
 */
const codeScanned = {
  class: 'ledger',
  version: 1,
  data: z.strictObject({
    text: z.string().max(4096),
    /** AIM symbology identifier without `]`: `E0`, `C1`, `Q3` … */
    symbology: text.exactOptional(),
    gtin: z
      .string()
      .regex(/^\d{8,14}$/)
      .exactOptional(),
    elements: z.record(z.string().regex(/^\d{2,4}$/), z.string().max(90)).exactOptional(),
    checkDigitValid: z.boolean().exactOptional(),
  }),
} as const satisfies EventTypeDefinition

export const codeTypes = { 'code.scanned': codeScanned } as const
