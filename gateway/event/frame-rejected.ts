import { z } from 'zod'
import type { EventTypeDefinition } from './event-type.js'
import { hex } from './field.js'

/**
 * A frame that arrived whole and was not understood, or not all of it: kept, so that a mended
 * dialect can decode it later.
 */
const frameRejected = {
  class: 'limited',
  version: 1,
  data: z.strictObject({
    issues: z.array(z.string().max(400)).max(20),
    /**
     * The frame, card numbers hidden in it, cut at `LIMITS.rejectedRawBytes`; empty where it may
     * hold card data.
     */
    raw: hex,
    rawBytes: z.int().min(0),
    /** In place of `raw`: HMAC-SHA256 of the frame with a key of the shop, to tell repeats. */
    keyedDigest: hex.length(64).exactOptional(),
    /** Types of the events that the frame became besides: they stand in the journal already. */
    stated: z.array(z.string().max(60)).max(20).exactOptional(),
  }),
} as const satisfies EventTypeDefinition

export const frameTypes = { 'frame.rejected': frameRejected } as const
