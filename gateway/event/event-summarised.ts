import { z } from 'zod'
import type { EventTypeDefinition } from './event-type.js'
import { hex, text } from './field.js'

/** Stands for events of one type and terminal that were too many to keep each. */
const eventSummarised = {
  class: 'limited',
  version: 1,
  data: z.strictObject({
    type: text,
    count: z.int().min(1),
    /** SHA-256 over the SHA-256 of each one's `data`, in their order. */
    digest: hex.length(64),
    /** `time` of the first and the last of them. */
    first: z.iso.datetime({ offset: true }),
    last: z.iso.datetime({ offset: true }),
  }),
} as const satisfies EventTypeDefinition

export const summaryTypes = { 'event.summarised': eventSummarised } as const
