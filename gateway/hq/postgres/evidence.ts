import { z } from 'zod'
import type { StoreId } from '../../core/ids.js'
import type { PublicKey } from '../../security/signature.js'
import type { LedgerRow, RowsAt, StoreAccount } from '../ledger.js'
import { withKey } from '../store-state.js'
import { CHAIN_COLUMNS, parseChain } from './chains.js'
import { type Connection, type Connections, inTransaction } from './connections.js'
import { parseRow, ROW_COLUMNS } from './rows.js'
import { lockState, parseState, writeState } from './stores.js'

const ROWS_AT = `
  SELECT ${ROW_COLUMNS}
  FROM tillbridge.chains
  JOIN tillbridge.rows AS r USING (chain)
  JOIN tillbridge.batches AS b USING (batch)
  WHERE chains.store = $1 AND chains.epoch = $2 AND r.seq BETWEEN $3 AND $4
    AND (r.seq, r.hash) > ($3, $5)
  ORDER BY r.seq, r.hash
  LIMIT $6`

/** @throws DamagedRowError */
export async function readRowsAt(
  connection: Pick<Connection, 'query'>,
  range: RowsAt,
  limit: number,
): Promise<readonly LedgerRow[]> {
  const { store, epoch, first, last, beyond = '' } = range
  const values = [store, epoch, first, last, Buffer.from(beyond, 'hex'), limit]
  const { rows } = await connection.query({ name: 'rows-at', text: ROWS_AT, values })
  return rows.map(parseRow)
}

const STATEMENTS = `
  SELECT ${ROW_COLUMNS}
  FROM tillbridge.rows AS r
  JOIN tillbridge.batches AS b USING (batch)
  JOIN tillbridge.chains ON chains.chain = r.chain
  WHERE r.store = $1 AND r.type = 'journal.statement' AND b.first_position + r.nth > $2
  ORDER BY position
  LIMIT $3`

/** @throws DamagedRowError */
export async function readStatements(
  connection: Pick<Connection, 'query'>,
  options: { readonly store: StoreId; readonly after: number; readonly limit: number },
): Promise<readonly LedgerRow[]> {
  const { store, after, limit } = options
  const values = [store, after, limit]
  const { rows } = await connection.query({ name: 'statements', text: STATEMENTS, values })
  return rows.map(parseRow)
}

export async function readAccount(
  connection: Pick<Connection, 'query'>,
  store: StoreId,
): Promise<StoreAccount> {
  const states = await connection.query('SELECT state FROM tillbridge.stores WHERE store = $1', [
    store,
  ])
  const chains = await connection.query(
    `SELECT ${CHAIN_COLUMNS} FROM tillbridge.chains WHERE store = $1 ORDER BY ordinal, epoch`,
    [store],
  )
  const [known] = z.array(stateRow).parse(states.rows)
  return {
    state: parseState(known?.state ?? null),
    chains: chains.rows.map(row => parseChain(row).state),
  }
}

const stateRow = z.object({ state: z.unknown() })

export async function readKeys(
  connection: Pick<Connection, 'query'>,
  store: StoreId,
): Promise<readonly PublicKey[]> {
  const { rows } = await connection.query('SELECT state FROM tillbridge.stores WHERE store = $1', [
    store,
  ])
  return z
    .array(stateRow)
    .parse(rows)
    .flatMap(({ state }) => parseState(state).keys ?? [])
}

export function trustKey(
  connections: Connections,
  options: { readonly store: StoreId; readonly publicKey: PublicKey },
): Promise<void> {
  const { store, publicKey } = options
  return inTransaction(connections, async connection => {
    const state = await lockState(connection, store)
    await writeState(connection, { store, state: withKey(state, publicKey) })
  })
}
