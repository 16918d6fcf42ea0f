import { z } from 'zod'
import type { EventTypeDefinition } from './event-type.js'
import { text } from './field.js'

/** Somebody wanted what he may not, or said what is not believed: refused. */
const accessDenied = {
  class: 'limited',
  version: 1,
  data: z.strictObject({
    /** Where it was tried. */
    door: z.enum(['command', 'document', 'broker']),
    /** Why it was refused, in a word or two that alert rules may match on. */
    reason: text,
    /** What is known of it. */
    detail: text,
  }),
} as const satisfies EventTypeDefinition

export const accessTypes = { 'access.denied': accessDenied } as const
