import { type ClientBase, Pool, types } from 'pg'
import { z } from 'zod'
import { LIMITS } from '../../core/limits.js'

/** Where a PostgreSQL is, and what opens it. */
export interface PostgresAddress {
  /** `postgres://user@host:port/database`, with what libpq allows behind `?`. */
  readonly url: string
  /** Stands above one in the URL; without either PGPASSWORD and PGPASSFILE are asked. */
  readonly password?: string
}

export type Connections = Pool
export type Connection = ClientBase

const INT8 = types.builtins.INT8

/**
 * For every connection. Whoever freezes in the middle of a commit, or is cut off, gives its locks
 * back after a while; and a server that confirms before its disk does is told not to.
 */
const SETTINGS = `
  SET idle_in_transaction_session_timeout = ${LIMITS.ledgerSilenceMs};
  SET lock_timeout = ${LIMITS.ledgerLockMs};
  SET tcp_keepalives_idle = 10;
  SET tcp_keepalives_interval = 5;
  SET tcp_keepalives_count = 4;
  SELECT set_config('synchronous_commit', 'on', false)
  WHERE current_setting('synchronous_commit') = 'off'`

/** Connects when asked for a connection, not before. */
export function openConnections({ url, password }: PostgresAddress): Connections {
  const secret = password === undefined ? '' : `password=${encodeURIComponent(password)}`
  const joint = secret === '' ? '' : url.includes('?') ? '&' : '?'
  const pool = new Pool({
    connectionString: `${url}${joint}${secret}`,
    application_name: 'tillbridge hq',
    max: LIMITS.ledgerConnections,
    connectionTimeoutMillis: LIMITS.ledgerConnectMs,
    query_timeout: LIMITS.ledgerQueryMs,
    idleTimeoutMillis: LIMITS.ledgerIdleMs,
    keepAlive: true,
    types: {
      // Positions and sequence numbers are safe integers; by default they would come as text.
      getTypeParser: (type, format) =>
        type === INT8 ? Number : types.getTypeParser(type, format ?? 'text'),
    },
    onConnect: async client => void (await client.query(SETTINGS)),
  })
  // A connection lost while idle is replaced by the next that is asked for.
  pool.on('error', () => undefined)
  return pool
}

/** A connection for `use`, thrown away where that fails: nobody knows what state it is in. */
export async function withConnection<Value>(
  connections: Connections,
  use: (connection: Connection) => Promise<Value>,
): Promise<Value> {
  const connection = await connections.connect()
  // Its query under way fails as well; unheard, the event would end the process.
  const ignore = (): void => undefined
  connection.on('error', ignore)
  const release = (isBroken: boolean): void => {
    connection.off('error', ignore)
    connection.release(isBroken)
  }
  try {
    const value = await use(connection)
    release(false)
    return value
  } catch (thrown) {
    release(true)
    throw thrown
  }
}

export function inTransaction<Value>(
  connections: Connections,
  work: (connection: Connection) => Promise<Value>,
): Promise<Value> {
  return withConnection(connections, async connection => {
    await connection.query('BEGIN')
    const value = await work(connection)
    await connection.query('COMMIT')
    return value
  })
}

/**
 * What the advisory locks of a ledger's database are for, in the order in which a transaction takes
 * them: backups, then the row of its store, then positions.
 */
const LOCKS = { schema: 1, months: 2, backups: 3, positions: 4, leader: 5 } as const

/** "till", so that no other program in the database means the same locks. */
const LOCK_SPACE = 0x7469_6c6c

/** The arguments of an advisory lock function. */
export function lockKey(name: keyof typeof LOCKS): string {
  return `${LOCK_SPACE}, ${LOCKS[name]}`
}

/** Takes a lock until the transaction ends. */
export function lockSql(name: keyof typeof LOCKS, mode: 'exclusive' | 'shared' = 'exclusive') {
  return `SELECT pg_advisory_xact_lock${mode === 'shared' ? '_shared' : ''}(${lockKey(name)})`
}

/** Several statements in one message: the rows of each. Values are literals, so names only. */
export async function queryAll(
  connection: Connection,
  statements: readonly string[],
): Promise<readonly (readonly unknown[])[]> {
  const results: unknown = await connection.query(statements.join(';\n'))
  return z
    .array(z.object({ rows: z.array(z.unknown()) }))
    .parse(results)
    .map(({ rows }) => rows)
}
