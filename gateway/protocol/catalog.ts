import { z } from 'zod'
import { Cctalk, cctalkSchema } from './cctalk/cctalk.js'
import { Dex, dexSchema } from './dex/dex.js'
import { EscPos, escPosSchema } from './esc-pos/esc-pos.js'
import { Mdb, mdbSchema } from './mdb/mdb.js'
import { CodePay, codePaySchema } from './payment/code-pay.js'
import { Edc, edcSchema } from './payment/edc-protocol.js'
import { Mellon, mellonSchema } from './payment/mellon.js'
import { Opi, opiSchema } from './payment/opi.js'
import { Pax, paxSchema } from './payment/pax.js'
import { PosLink, posLinkSchema } from './payment/pos-link.js'
import { SmartSale, smartSaleSchema } from './payment/smart-sale.js'
import { Upos, uposSchema } from './payment/upos.js'
import { Vendotek, vendotekSchema } from './payment/vendotek.js'
import type { Protocol } from './protocol.js'
import { Toledo8217, toledo8217Schema } from './scale/toledo-8217.js'

/** The languages that a dialect may name instead of describing frames and fields itself. */
export const protocolSchema = z.discriminatedUnion('type', [
  cctalkSchema,
  dexSchema,
  escPosSchema,
  mdbSchema,
  toledo8217Schema,
  codePaySchema,
  edcSchema,
  mellonSchema,
  opiSchema,
  paxSchema,
  posLinkSchema,
  smartSaleSchema,
  uposSchema,
  vendotekSchema,
])

export type ProtocolOptions = z.output<typeof protocolSchema>

export function createProtocol(options: ProtocolOptions): Protocol {
  switch (options.type) {
    case 'cctalk':
      return new Cctalk(options)
    case 'dex':
      return new Dex(options)
    case 'esc-pos':
      return new EscPos(options)
    case 'mdb':
      return new Mdb(options)
    case 'toledo-8217':
      return new Toledo8217(options)
    case 'code-pay':
      return new CodePay()
    case 'edc':
      return new Edc(options)
    case 'mellon':
      return new Mellon(options)
    case 'opi':
      return new Opi()
    case 'pax':
      return new Pax(options)
    case 'pos-link':
      return new PosLink(options)
    case 'smart-sale':
      return new SmartSale(options)
    case 'upos':
      return new Upos()
    case 'vendotek':
      return new Vendotek(options)
  }
}
