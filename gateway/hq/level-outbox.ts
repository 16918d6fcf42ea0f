import type { Database } from '../core/database.js'
import type { LedgerRow } from './ledger.js'
import { positionOfKey, ROWS_END, rowKey, SHELF_END, shelfKey } from './ledger-keys.js'
import { DamagedRowError, parseRow } from './ledger-row.js'

/** Rows behind a position, of all kinds or of some, in order of commit. @throws DamagedRowError */
export async function readRows(
  database: Database,
  options: { readonly after: number; readonly limit: number; readonly kinds?: readonly string[] },
): Promise<readonly LedgerRow[]> {
  const { after, limit, kinds } = options
  const rows: LedgerRow[] = []
  if (limit <= 0) return rows
  for await (const [key, value] of database.iterator({ gt: rowKey(after), lt: ROWS_END })) {
    const row = parseRow(positionOfKey(key), value)
    if (kinds?.includes(row.kind) === false) continue
    rows.push(row)
    if (rows.length === limit) break
  }
  return rows
}

/** Rows on the shelf behind a position. @throws DamagedRowError */
export async function readShelf(
  database: Database,
  options: { readonly after: number; readonly limit: number },
): Promise<readonly LedgerRow[]> {
  const { after, limit } = options
  const positions: number[] = []
  const keys = { gt: shelfKey(after), lt: SHELF_END, limit: Math.max(limit, 0) }
  for await (const [key] of database.iterator(keys)) positions.push(positionOfKey(key))
  return rowsOf(database, positions)
}

/** The rows at these positions. @throws DamagedRowError where one is not there */
export async function rowsOf(
  database: Database,
  positions: readonly number[],
): Promise<readonly LedgerRow[]> {
  const values = await database.getMany(positions.map(rowKey))
  return positions.map((position, index) => {
    const sealed = values[index]
    if (sealed === undefined) throw new DamagedRowError(position)
    return parseRow(position, sealed)
  })
}

/** Position of the newest row; 0 where there is none. */
export async function lastPosition(database: Database): Promise<number> {
  const newest = { gt: rowKey(0), lt: ROWS_END, reverse: true, limit: 1 }
  for await (const [key] of database.iterator(newest)) return positionOfKey(key)
  return 0
}
