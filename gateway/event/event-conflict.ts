import { z } from 'zod'
import type { EventTypeDefinition } from './event-type.js'
import { hex, text } from './field.js'

/** Two events claim one (source, id) with different data: both are kept, and someone must look. */
const eventConflict = {
  class: 'ledger',
  version: 1,
  data: z.strictObject({
    /** The `id` both claim, in the `source` of this event. */
    id: text,
    type: text,
    subject: text.exactOptional(),
    /** SHA-256 of the canonical `data` of each. */
    firstDigest: hex,
    secondDigest: hex,
  }),
} as const satisfies EventTypeDefinition

export const conflictTypes = { 'event.conflict': eventConflict } as const
