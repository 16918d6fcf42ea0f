import { z } from 'zod'
import { TillbridgeError } from '../../core/errors.js'
import type { EpochId, StoreId } from '../../core/ids.js'
import type { Hello } from '../../wire/hello.js'
import { makeEpochReceipt } from '../../wire/receipt.js'
import { safeUpTo } from '../backup-coverage.js'
import { safePoint } from '../backup-points.js'
import { coverage } from '../chain-state.js'
import type { LedgerReceipt } from '../ledger.js'
import { auditHello, type StoreState, storeState, UNKNOWN_STORE } from '../store-state.js'
import { parseBackups, SELECT_BACKUPS } from './backups.js'
import { CHAIN_COLUMNS, parseChain } from './chains.js'
import { type Connection, type Connections, inTransaction, queryAll } from './connections.js'
import { parseGeneration, SELECT_GENERATION } from './generation.js'

/** What a store's row says of it; `null` where nothing is known. */
export function parseState(state: unknown): StoreState {
  const parsed = storeState.nullable().safeParse(state)
  if (parsed.success) return parsed.data ?? UNKNOWN_STORE
  const message = 'what the database has of a store is damaged'
  throw new TillbridgeError('TB_LEDGER_UNREADABLE', message)
}

export async function writeState(
  connection: Connection,
  options: { readonly store: StoreId; readonly state: StoreState },
): Promise<void> {
  await connection.query('UPDATE tillbridge.stores SET state = $2 WHERE store = $1', [
    options.store,
    JSON.stringify(options.state),
  ])
}

const stateRow = z.object({ state: z.unknown() })

/** What is known of a store, which is locked from here on; it may be a new one. */
export async function lockState(connection: Connection, store: StoreId): Promise<StoreState> {
  const { rows } = await connection.query(
    `INSERT INTO tillbridge.stores AS known (store) VALUES ($1)
      ON CONFLICT (store) DO UPDATE SET state = known.state RETURNING state`,
    [store],
  )
  const [{ state }] = z.tuple([stateRow]).parse(rows)
  return parseState(state)
}

/** What is wrong with a store by its hello. */
export function greetStore(
  connections: Connections,
  options: { readonly store: StoreId; readonly hello: Hello },
): Promise<readonly string[]> {
  const { store, hello } = options
  return inTransaction(connections, async connection => {
    // A ledger that starts again is greeted again.
    await connection.query('SET LOCAL synchronous_commit = off')
    const audit = auditHello(await lockState(connection, store), store, hello)
    await writeState(connection, { store, state: audit.state })
    return audit.alarms
  })
}

/** Read in one snapshot, so that no part of it is newer than another. */
export async function readReceipt(
  connection: Connection,
  options: { readonly store: StoreId; readonly asked: ReadonlySet<EpochId> | undefined },
): Promise<LedgerReceipt> {
  const { asked } = options
  const store = connection.escapeLiteral(options.store)
  const known = `FROM tillbridge.stores WHERE store = ${store}`
  const epochs = [...(asked ?? [])].map(epoch => connection.escapeLiteral(epoch))
  const held =
    asked === undefined
      ? `(NOT EXISTS (SELECT ${known} AND state ? 'held')
          OR epoch IN (SELECT jsonb_array_elements_text(state->'held') ${known}))`
      : `epoch = ANY (ARRAY[${epochs}]::text[])`
  const [, generations = [], backups = [], chains = []] = await queryAll(connection, [
    'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
    SELECT_GENERATION,
    SELECT_BACKUPS,
    `SELECT ${CHAIN_COLUMNS} FROM tillbridge.chains WHERE store = ${store} AND ${held}
      ORDER BY ordinal, epoch`,
    'COMMIT',
  ])
  const point = safePoint(parseBackups(backups))
  return {
    ledger: parseGeneration(generations).ledger,
    epochs: chains
      .map(row => parseChain(row).state)
      // An epoch may be known only from the one after it: of that one nothing ever came.
      .filter(({ segments }) => segments.length > 0)
      .map(chain => ({
        ...makeEpochReceipt(chain.epoch, coverage(chain)),
        ...(point === undefined ? {} : { safe: safeUpTo(chain, point.id) }),
      })),
  }
}
