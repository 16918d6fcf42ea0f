import { z } from 'zod'
import { Cctalk, cctalkSchema } from './cctalk/cctalk.js'
import { Dex, dexSchema } from './dex/dex.js'
import { Mdb, mdbSchema } from './mdb/mdb.js'
import type { Protocol } from './protocol.js'
import { Toledo8217, toledo8217Schema } from './scale/toledo-8217.js'

/** The languages that a dialect may name instead of describing frames and fields itself. */
export const protocolSchema = z.discriminatedUnion('type', [
  cctalkSchema,
  dexSchema,
  mdbSchema,
  toledo8217Schema,
])

export type ProtocolOptions = z.output<typeof protocolSchema>

export function createProtocol(options: ProtocolOptions): Protocol {
  switch (options.type) {
    case 'cctalk':
      return new Cctalk(options)
    case 'dex':
      return new Dex(options)
    case 'mdb':
      return new Mdb(options)
    case 'toledo-8217':
      return new Toledo8217(options)
  }
}
