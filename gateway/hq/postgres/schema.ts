import { z } from 'zod'
import { TillbridgeError } from '../../core/errors.js'
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
    await connection.query(lockSql('schema'))
    const { rows } = await connection.query(
      "SELECT to_regclass('tillbridge.migrations') IS NOT NULL AS stands",
    )
    if (z.tuple([z.object({ stands: z.boolean() })]).parse(rows)[0].stands) return
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
      await connection.query(lockSql('schema'))
      if ((await schemaVersion(connection)) >= version) return
      await connection.query(sql)
      await connection.query('INSERT INTO tillbridge.migrations (version, name) VALUES ($1, $2)', [
        version,
        name,
      ])
    })
}

/** @throws TillbridgeError TB_LEDGER_FORMAT where a newer tillbridge has been here. */
export async function schemaVersion(connection: Connection): Promise<number> {
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
