import type { Database, Operation } from '../core/database.js'
import type { StoreId } from '../core/ids.js'
import {
  documentKey,
  INDEXED_KEY,
  numberBytes,
  positionOfKey,
  ROWS_END,
  readNumber,
  rowKey,
  statementKey,
  versionKey,
} from './ledger-keys.js'
import { DamagedRowError, parseRow } from './ledger-row.js'
import { VERSION_TYPES } from './version-states.js'

const NOTHING = Buffer.from('')
/** Operations of one write where rows of before are indexed. */
const PAGE_OPERATIONS = 1_000

/** By what a row is found apart from all others: statements, documents, versions. */
export function indexesOf(row: {
  readonly position: number
  readonly store: StoreId
  readonly type: string
}): readonly Operation[] {
  const { position, store, type } = row
  const keys = [
    ...(type === 'journal.statement' ? [statementKey(store, position)] : []),
    ...(type.startsWith('document.') ? [documentKey(position)] : []),
    ...(VERSION_TYPES.some(one => one === type) ? [versionKey(position)] : []),
  ]
  return keys.map(key => ({ type: 'put', key, value: NOTHING }))
}

/** Every row up to this position stands in the indexes. */
export function indexedUpTo(position: number): Operation {
  return { type: 'put', key: INDEXED_KEY, value: numberBytes(position) }
}

/** Indexes what was committed by a version without these indexes. A damaged row is passed over. */
export async function indexOlderRows(database: Database): Promise<void> {
  const known = await database.get(INDEXED_KEY)
  const after = known === undefined ? 0 : readNumber(known)
  let last = after
  let operations: Operation[] = []
  for await (const [key, value] of database.iterator({ gt: rowKey(after), lt: ROWS_END })) {
    last = positionOfKey(key)
    operations.push(...indexesOfRow(last, value))
    if (operations.length < PAGE_OPERATIONS) continue
    await database.batch(operations, { sync: false })
    operations = []
  }
  if (last > after) await database.batch([...operations, indexedUpTo(last)], { sync: true })
}

function indexesOfRow(position: number, sealed: Uint8Array): readonly Operation[] {
  try {
    const { store, header } = parseRow(position, sealed)
    return indexesOf({ position, store, type: header.type })
  } catch (thrown) {
    if (thrown instanceof DamagedRowError) return []
    throw thrown
  }
}
