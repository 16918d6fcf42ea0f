import { z } from 'zod'
import { Dex, dexSchema } from './dex/dex.js'
import type { Protocol } from './protocol.js'
import { Toledo8217, toledo8217Schema } from './scale/toledo-8217.js'

/** The languages that a dialect may name instead of describing frames and fields itself. */
export const protocolSchema = z.discriminatedUnion('type', [dexSchema, toledo8217Schema])

export type ProtocolOptions = z.output<typeof protocolSchema>

export function createProtocol(options: ProtocolOptions): Protocol {
  switch (options.type) {
    case 'dex':
      return new Dex(options)
    case 'toledo-8217':
      return new Toledo8217(options)
  }
}
