import { z } from 'zod'
import type { EventTypeDefinition } from './event-type.js'
import { text } from './field.js'

const connection = {
  class: 'limited',
  version: 1,
  data: z.strictObject({
    /** The address the line was opened by: a path, `host:port`. */
    address: text,
    reason: text.exactOptional(),
  }),
} as const satisfies EventTypeDefinition

export const terminalTypes = {
  'terminal.connected': connection,
  'terminal.lost': connection,
} as const
