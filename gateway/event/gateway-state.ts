import { z } from 'zod'
import type { EventTypeDefinition } from './event-type.js'
import { hex, text } from './field.js'

/** First record of every epoch: ties its chain to the end of the one before. */
const gatewayStarted = {
  class: 'ledger',
  version: 1,
  data: z.strictObject({
    software: text,
    /** Absent in a journal's very first epoch. */
    previous: z.strictObject({ epoch: text, last: z.int().min(0), head: hex }).exactOptional(),
  }),
} as const satisfies EventTypeDefinition

export const gatewayTypes = { 'gateway.started': gatewayStarted } as const
