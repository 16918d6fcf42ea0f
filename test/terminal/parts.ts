import type { Dialect } from '../../gateway/profile/dialect.js'

/** A till that sends a frame for each line of its receipt. */
export const PARTS_TILL = { profile: 'tillbridge/reference-till-c', firmware: '3.0' } as const

/** The five frames of a sale: its beginning, two items, a tender, its end. */
export function saleInParts(
  dialect: Dialect,
  options: { readonly number?: number; readonly description?: string } = {},
): readonly Uint8Array[] {
  const { number = 17, description = 'Bread roll' } = options
  const receiptNumber = String(number).padStart(6, '0')
  const item = { receiptNumber, plu: '1001', description, quantity: '1', amount: 45 }
  return [
    dialect.encode('begin', {
      businessDay: '2026-11-22',
      receiptNumber,
      operator: '7',
      date: '2026-11-22',
      time: '18:45:01',
    }),
    dialect.encode('item', { ...item, line: 1 }),
    dialect.encode('item', { ...item, line: 2 }),
    dialect.encode('tender', { receiptNumber, line: 3, type: 'cash', amount: 100 }),
    dialect.encode('end', { receiptNumber, change: 10, total: 90 }),
  ]
}
