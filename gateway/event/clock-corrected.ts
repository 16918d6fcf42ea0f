import { z } from 'zod'
import type { EventTypeDefinition } from './event-type.js'

/**
 * The clock became sure, or jumped; records before this one carry the wrong time, and keep it.
 * Their headers have the boot and its monotonic time, so the right one can be told of each: `time`
 * of this event is what the clock showed at `monotonicMs` of this record's boot.
 */
const clockCorrected = {
  class: 'ledger',
  version: 1,
  data: z.strictObject({
    /** `synced`: a time service vouches for it from now on; `stepped`: it was set, or jumped. */
    cause: z.enum(['synced', 'stepped']),
    /**
     * Milliseconds to add to the times written since the record of this kind before, or since the
     * gateway started where there is none.
     */
    offsetMs: z.int(),
    monotonicMs: z.int().min(0),
  }),
} as const satisfies EventTypeDefinition

export const clockTypes = { 'clock.corrected': clockCorrected } as const
