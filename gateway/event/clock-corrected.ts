import { z } from 'zod'
import type { EventTypeDefinition } from './event-type.js'

/** The clock became sure; records before this one carry the wrong time, and keep it. */
const clockCorrected = {
  class: 'ledger',
  version: 1,
  data: z.strictObject({
    /** Milliseconds to add to the times that this boot wrote before. */
    offsetMs: z.int(),
  }),
} as const satisfies EventTypeDefinition

export const clockTypes = { 'clock.corrected': clockCorrected } as const
