import { z } from 'zod'
import { TillbridgeError } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import { type Connection, type Connections, inTransaction, lockSql } from './connections.js'
import { MIGRATIONS } from './migrations.js'

/** First version with int8multirange. */
const OLDEST_SERVER = 14
const NEWEST_SCHEMA = MIGRATIONS.at(-1)?.version ?? 0

const serverFacts = z.object({
  version: z.int(),
  encoding: z.string(),
  fsync: z.string(),
  full_page_writes: z.string(),
  standby: z.boolean(),
})

/**
 * Brings the schema up to this version, each step in a transaction of its own; several receivers
 * that start together take turns.
 * @throws TillbridgeError TB_LEDGER_UNSUITABLE, TB_LEDGER_FORMAT
 */
export async function migrate(connections: Connections): Promise<void> {
  await inTransaction(connections, async connection => {
    await checkServer(connection)
    await patiently(connection, lockSql('schema'))
    if (await holdsLedger(connection)) return
    await connection.query(`
      CREATE SCHEMA IF NOT EXISTS tillbridge;
      CREATE TABLE tillbridge.migrations (
        version int PRIMARY KEY,
        name text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
      )`)
  })
  for (const { version, name, sql } of MIGRATIONS)
    await inTransaction(connections, async connection => {
      await patiently(connection, lockSql('schema'))
      if ((await schemaVersion(connection)) >= version) return
      await patiently(connection, sql)
      await connection.query('INSERT INTO tillbridge.migrations (version, name) VALUES ($1, $2)', [
        version,
        name,
      ])
    })
}

/** A step may take long on a large ledger, here or in the receiver that was first. */
async function patiently(connection: Connection, text: string): Promise<void> {
  const query = {
    text: `SET LOCAL lock_timeout = 0; ${text}`,
    query_timeout: LIMITS.ledgerMigrateMs,
  }
  await connection.query(query)
}

/** @throws TillbridgeError TB_LEDGER_FORMAT where there is no ledger that we could read. */
export async function checkLedger(connection: Connection): Promise<void> {
  if (!(await holdsLedger(connection)))
    throw new TillbridgeError('TB_LEDGER_FORMAT', 'the database holds no ledger')
  await schemaVersion(connection)
}

/** Looked up in the catalog: a name would be refused to who may not use the schema. */
async function holdsLedger(connection: Connection): Promise<boolean> {
  const { rowCount } = await connection.query(
    `SELECT FROM pg_catalog.pg_tables
      WHERE schemaname = 'tillbridge' AND tablename = 'migrations'`,
  )
  return rowCount === 1
}

/** @throws TillbridgeError TB_LEDGER_FORMAT where a newer tillbridge has been here. */
async function schemaVersion(connection: Connection): Promise<number> {
  const { rows } = await connection.query(
    'SELECT coalesce(max(version), 0) AS version FROM tillbridge.migrations',
  )
  const [{ version }] = z.tuple([z.object({ version: z.int() })]).parse(rows)
  if (version <= NEWEST_SCHEMA) return version
  const message = `the database has schema ${version}, this tillbridge knows ${NEWEST_SCHEMA}`
  throw new TillbridgeError('TB_LEDGER_FORMAT', message)
}

/** Refuses what could not keep the promise, or not say so. */
async function checkServer(connection: Connection): Promise<void> {
  const { rows } = await connection.query(`
    SELECT current_setting('server_version_num')::int / 10000 AS version,
      current_setting('server_encoding') AS encoding,
      current_setting('fsync') AS fsync,
      current_setting('full_page_writes') AS full_page_writes,
      pg_is_in_recovery() AS standby`)
  const [facts] = z.tuple([serverFacts]).parse(rows)
  const { version, encoding, fsync, full_page_writes, standby } = facts
  const faults = [
    ...(version < OLDEST_SERVER ? [`PostgreSQL ${version}; ${OLDEST_SERVER} or later needed`] : []),
    ...(encoding !== 'UTF8' ? [`encoding ${encoding}: create the database with UTF8`] : []),
    ...(fsync !== 'on' ? ['fsync is off: a power cut would take what was confirmed'] : []),
    ...(full_page_writes !== 'on' ? ['full_page_writes is off: a power cut could tear pages'] : []),
    ...(standby ? ['a standby: connect to the primary'] : []),
  ]
  if (faults.length > 0) throw new TillbridgeError('TB_LEDGER_UNSUITABLE', faults.join('; '))
}
