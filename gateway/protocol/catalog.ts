import { z } from 'zod'
import { fail, ok, type Result } from '../core/result.js'
import { bthome, bthomeSchema, ruuvi, ruuviSchema } from './ble/sensors.js'
import { bleValues, bleValuesSchema } from './ble/sig-values.js'
import { Cctalk, cctalkSchema } from './cctalk/cctalk.js'
import { cloudEvents, cloudEventsSchema } from './cloud-events/cloud-events.js'
import { Dex, dexSchema } from './dex/dex.js'
import { EscPos, escPosSchema } from './esc-pos/esc-pos.js'
import { Mdb, mdbSchema } from './mdb/mdb.js'
import { Modbus } from './modbus/modbus.js'
import { modbusSchema } from './modbus/register-schema.js'
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
import { adam, adamSchema } from './scale/adam.js'
import { casTedc1, casTedc1Schema } from './scale/cas-tedc1.js'
import { continuousStGs, continuousStGsSchema } from './scale/continuous-st-gs.js'
import { dialog06, dialog06Schema } from './scale/dialog-06.js'
import { magellan, magellanSchema } from './scale/magellan.js'
import { mtSics, mtSicsSchema } from './scale/mt-sics.js'
import { nciEcr, nciEcrSchema } from './scale/nci-ecr.js'
import { prixIii, prixIiiSchema } from './scale/prix-iii.js'
import { tec, tecSchema } from './scale/tec.js'
import { tisa, tisaSchema } from './scale/tisa.js'
import { Toledo8217, toledo8217Schema } from './scale/toledo-8217.js'
import { tpv0, tpv0Schema } from './scale/tpv0.js'
import { aimLines, aimLinesSchema } from './scanner/aim-lines.js'
import { honeywell, honeywellSchema } from './scanner/honeywell.js'
import { ssi, ssiSchema } from './scanner/ssi.js'
import { Zvt, zvtSchema } from './zvt/zvt.js'

/** The languages that a dialect may name instead of describing frames and fields itself. */
export const protocolSchema = z.discriminatedUnion('type', [
  bleValuesSchema,
  bthomeSchema,
  cctalkSchema,
  cloudEventsSchema,
  dexSchema,
  escPosSchema,
  mdbSchema,
  modbusSchema,
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
  adamSchema,
  aimLinesSchema,
  casTedc1Schema,
  continuousStGsSchema,
  dialog06Schema,
  honeywellSchema,
  magellanSchema,
  mtSicsSchema,
  nciEcrSchema,
  prixIiiSchema,
  ruuviSchema,
  ssiSchema,
  tecSchema,
  tisaSchema,
  tpv0Schema,
  zvtSchema,
])

export type ProtocolOptions = z.output<typeof protocolSchema>

export function createProtocol(options: ProtocolOptions): Protocol {
  switch (options.type) {
    case 'ble-values':
      return bleValues(options)
    case 'bthome':
      return bthome(options)
    case 'ruuvi':
      return ruuvi(options)
    case 'cctalk':
      return new Cctalk(options)
    case 'cloud-events':
      return cloudEvents()
    case 'dex':
      return new Dex(options)
    case 'esc-pos':
      return new EscPos(options)
    case 'mdb':
      return new Mdb(options)
    case 'adam':
      return adam(options)
    case 'aim-lines':
      return aimLines(options)
    case 'cas-tedc1':
      return casTedc1(options)
    case 'continuous-st-gs':
      return continuousStGs()
    case 'dialog-06':
      return dialog06(options)
    case 'honeywell':
      return honeywell()
    case 'magellan':
      return magellan(options)
    case 'mt-sics':
      return mtSics(options)
    case 'nci-ecr':
      return nciEcr(options)
    case 'prix-iii':
      return prixIii(options)
    case 'ssi':
      return ssi(options)
    case 'tec':
      return tec(options)
    case 'tisa':
      return tisa(options)
    case 'modbus':
      return new Modbus(options)
    case 'toledo-8217':
      return new Toledo8217(options)
    case 'tpv0':
      return tpv0(options)
    case 'zvt':
      return new Zvt(options)
    case 'code-pay':
    case 'edc':
    case 'mellon':
    case 'opi':
    case 'pax':
    case 'pos-link':
    case 'smart-sale':
    case 'upos':
    case 'vendotek':
      return createPayment(options)
  }
}

type PaymentType =
  | 'code-pay'
  | 'edc'
  | 'mellon'
  | 'opi'
  | 'pax'
  | 'pos-link'
  | 'smart-sale'
  | 'upos'
  | 'vendotek'

function createPayment(
  options: Extract<ProtocolOptions, { readonly type: PaymentType }>,
): Protocol {
  switch (options.type) {
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

/** The options of a device that has this address on its line, or why it cannot have it. */
export function atAddress(
  options: ProtocolOptions,
  address: number,
): Result<ProtocolOptions, string> {
  if (!('address' in options)) return fail('knows no addresses')
  const moved = protocolSchema.safeParse({ ...options, address })
  return moved.success ? ok(moved.data) : fail(`has no address ${address}`)
}

export type SensorKey = NonNullable<z.output<typeof bthomeSchema>['key']>

/** The options of a sensor that encrypts with this key. */
export function withKey(options: ProtocolOptions, key: SensorKey): Result<ProtocolOptions, string> {
  return options.type === 'bthome' ? ok({ ...options, key }) : fail('takes no key')
}
