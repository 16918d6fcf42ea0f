import type { Adapter } from './adapter.js'
import { BLE } from './ble.js'
import { CCTALK } from './cctalk.js'
import { DEX } from './dex.js'
import { ESC_POS } from './escpos.js'
import { MDB } from './mdb.js'
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
  ...PAYMENT_ECR,
  ...SCALES,
  ...SCANNERS,
  ...ZVT,
}
