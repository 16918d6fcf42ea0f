import { z } from 'zod'
import type { EventTypeDefinition } from './event-type.js'
import { hex } from './field.js'

/**
 * A frame that arrived whole and became no event: kept, so that a mended dialect can decode it
 * later.
 */
const frameRejected = {
  class: 'limited',
  version: 1,
  data: z.strictObject({
    issues: z.array(z.string().max(400)).max(20),
    /** The frame, cut at `LIMITS.rejectedRawBytes`. */
    raw: hex,
    rawBytes: z.int().min(0),
  }),
} as const satisfies EventTypeDefinition

export const frameTypes = { 'frame.rejected': frameRejected } as const
