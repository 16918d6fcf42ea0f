import type { TillSale } from '../../gateway/simulator/till-sale.js'
import type { EpochReceipt } from '../../gateway/wire/receipt.js'

/** What a journal's process is told: to open, of a till's sale, of a receipt of HQ. */
export type Told =
  | { readonly start: true }
  | { readonly till: string; readonly n: number; readonly sale: TillSale }
  | { readonly receipt: readonly EpochReceipt[] }

/** What it says. The tills act upon `acknowledged`, HQ upon `batch`; the rest marks the moment. */
export type Said =
  | 'ready'
  | 'opening'
  | 'opened'
  | `acknowledged ${string} ${number}`
  | `batch ${string}`
  | 'received'
  | 'compacting'
  | 'compacted'
