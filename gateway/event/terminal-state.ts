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

/** A terminal said, or its connector shows, which firmware it has. */
const identified = {
  class: 'limited',
  version: 1,
  data: z.strictObject({
    address: text,
    firmware: text,
    by: z.enum(['query', 'usb', 'ble']),
    /** How it is spoken with from now on. */
    dialect: text,
  }),
} as const satisfies EventTypeDefinition

export const terminalTypes = {
  'terminal.identified': identified,
  'terminal.connected': connection,
  'terminal.lost': connection,
} as const
