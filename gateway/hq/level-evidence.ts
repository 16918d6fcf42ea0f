import type { Database } from '../core/database.js'
import type { StoreId } from '../core/ids.js'
import type { LedgerRow, RowsAt } from './ledger.js'
import {
  DOCUMENTS_END,
  documentKey,
  LAST_NUMBER,
  placeKey,
  placeKeys,
  positionOfKey,
  positionOfStatementKey,
  readNumber,
  STORE_KEYS,
  statementKeys,
  storeOfKey,
  VERSIONS_END,
  versionKey,
} from './ledger-keys.js'
import { rowsOf } from './level-outbox.js'

/** @throws DamagedRowError */
export async function readRowsAt(
  database: Database,
  range: RowsAt,
  limit: number,
): Promise<readonly LedgerRow[]> {
  const { beyond, first: seq } = range
  // What a store says may be any number; beyond these no record can stand.
  const last = Math.min(range.last, LAST_NUMBER - 1)
  if (seq > last) return []
  const { gte, lt } = placeKeys({ ...range, last })
  const from = beyond === undefined ? { gte } : { gt: placeKey({ ...range, seq, hash: beyond }) }
  const positions: number[] = []
  for await (const [, position] of database.iterator({ ...from, lt, limit }))
    positions.push(readNumber(position))
  return rowsOf(database, positions)
}

/** @throws DamagedRowError */
export async function readStatements(
  database: Database,
  options: { readonly store: StoreId; readonly after: number; readonly limit: number },
): Promise<readonly LedgerRow[]> {
  const { store, after, limit } = options
  const positions: number[] = []
  for await (const [key] of database.iterator({ ...statementKeys(store, after), limit }))
    positions.push(positionOfStatementKey(key))
  return rowsOf(database, positions)
}

/** Rows about documents, or about versions, behind a position. @throws DamagedRowError */
export async function readAbout(
  database: Database,
  page: {
    readonly subject: 'documents' | 'versions'
    readonly after: number
    readonly limit: number
  },
): Promise<readonly LedgerRow[]> {
  const { subject, after, limit } = page
  const keys =
    subject === 'documents'
      ? { gt: documentKey(after), lt: DOCUMENTS_END }
      : { gt: versionKey(after), lt: VERSIONS_END }
  const positions: number[] = []
  for await (const [key] of database.iterator({ ...keys, limit }))
    positions.push(positionOfKey(key))
  return rowsOf(database, positions)
}

export async function readStores(database: Database): Promise<readonly StoreId[]> {
  const stores: StoreId[] = []
  for await (const [key] of database.iterator(STORE_KEYS)) stores.push(storeOfKey(key))
  return stores
}
