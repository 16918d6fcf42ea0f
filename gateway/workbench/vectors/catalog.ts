import type { Adapter } from './adapter.js'
import { BLE } from './ble.js'
import { CCTALK } from './cctalk.js'
import { DEX } from './dex.js'
import { ESC_POS } from './escpos.js'
import { MDB } from './mdb.js'
import { MODBUS, MODBUS_GIVEN } from './modbus.js'
import { PAYMENT_ECR } from './payment-ecr.js'
import { SCALES } from './scales.js'
import { SCANNERS } from './scanners.js'
import { ZVT } from './zvt.js'

/** The adapter of every `protocol` that vectors may name. */
export const ADAPTERS: Readonly<Record<string, Adapter>> = {
  ...BLE,
  ...CCTALK,
  ...DEX,
  ...ESC_POS,
  ...MDB,
  ...MODBUS,
  ...PAYMENT_ECR,
  ...SCALES,
  ...SCANNERS,
  ...ZVT,
}

/**
 * Keys of `expect` that are no result but belong to the question, by `protocol`: an adapter gets
 * them, since `run` has them, too, from the dialect or from what it asked.
 */
export const GIVEN: Readonly<Record<string, readonly string[]>> = { ...MODBUS_GIVEN }
