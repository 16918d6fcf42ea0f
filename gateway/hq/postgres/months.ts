import { type Connection, type Connections, inTransaction, lockSql } from './connections.js'
import { describeFailure } from './failures.js'

/** Months that stand ready behind the current one. */
const MONTHS_AHEAD = 2

/** First day of a month in UTC, `2026-11-01`. */
export type Month = string

export function monthOf(wallMs: number, ahead = 0): Month {
  const date = new Date(wallMs)
  const first = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + ahead, 1)
  return new Date(first).toISOString().slice(0, 10)
}

/**
 * The partitions of the table of rows, one a month of commit. They are made before their month
 * begins, by the first commit of the month before it at the latest.
 */
export class Months {
  readonly #connections: Connections
  /** Made, or found, by this process. */
  readonly #ready = new Set<Month>()
  /** Whose failure was reported already. */
  readonly #failed = new Set<Month>()

  constructor(connections: Connections) {
    this.#connections = connections
  }

  /**
   * Makes sure that rows of this time have their partition. Returns what an operator must know
   * where only a later month could not be made.
   */
  async cover(wallMs: number): Promise<readonly string[]> {
    const current = monthOf(wallMs)
    if (!this.#ready.has(current)) await this.#make([current])
    const ahead = Array.from({ length: MONTHS_AHEAD }, (_, index) => monthOf(wallMs, index + 1))
    const missing = ahead.filter(month => !this.#ready.has(month) && !this.#failed.has(month))
    if (missing.length === 0) return []
    try {
      await this.#make(missing)
      return []
    } catch (thrown) {
      for (const month of missing) this.#failed.add(month)
      return [`no partition for ${missing.join(', ')} yet: ${describeFailure(thrown)}`]
    }
  }

  /** They may have been changed from outside: look again. */
  forget(): void {
    this.#ready.clear()
    this.#failed.clear()
  }

  async #make(months: readonly Month[]): Promise<void> {
    await inTransaction(this.#connections, async connection => {
      await connection.query(lockSql('months'))
      for (const month of months) await makeMonth(connection, month)
    })
    for (const month of months) this.#ready.add(month)
  }
}

/**
 * Attached as a finished table, for that needs no lock that a reader or a writer would wait for, as
 * CREATE TABLE … PARTITION OF does.
 */
async function makeMonth(connection: Connection, month: Month): Promise<void> {
  const table = `tillbridge.rows_${month.slice(0, 7).replace('-', '_')}`
  const { rows } = await connection.query('SELECT 1 WHERE to_regclass($1) IS NOT NULL', [table])
  if (rows.length > 0) return
  const next = monthOf(Date.parse(month), 1)
  await connection.query(`
    CREATE TABLE ${table} (LIKE tillbridge.rows INCLUDING ALL);
    CREATE UNIQUE INDEX ON ${table} (chain, seq, hash);
    ALTER TABLE tillbridge.rows ATTACH PARTITION ${table}
      FOR VALUES FROM ('${month} 00:00:00+00') TO ('${next} 00:00:00+00')`)
}
