import { z } from 'zod'
import type { LedgerRow } from '../ledger.js'
import type { Connections } from './connections.js'
import { markFannedOut } from './fan-out.js'
import { parseRow, ROW_COLUMNS, readRows } from './rows.js'

const PUBLISHED: readonly LedgerRow['kind'][] = ['event', 'conflict']

/** Rows that nobody publishes, walked over again and again before the mark is put behind them. */
const QUIET_ROWS = 1000

const COUNTERS = `
  SELECT (SELECT position FROM tillbridge.fan_out) AS "fannedOut",
    coalesce((SELECT max(last_position) FROM tillbridge.batches), 0) AS last`

const counters = z.object({ fannedOut: z.int(), last: z.int() })

/** Rows not yet fanned out, in order of commit. */
export async function readOutbox(
  connections: Connections,
  limit: number,
  atMs: number,
): Promise<readonly LedgerRow[]> {
  if (limit <= 0) return []
  const { rows: read } = await connections.query({ name: 'counters', text: COUNTERS })
  const [{ fannedOut, last }] = z.tuple([counters]).parse(read)
  if (fannedOut >= last) return []
  const rows = await readRows(connections, { after: fannedOut, limit, kinds: PUBLISHED })
  const quiet = (rows[0]?.position ?? last + 1) - 1
  if (quiet - fannedOut >= QUIET_ROWS)
    await markFannedOut(connections, { position: quiet, refused: [], atMs })
  return rows
}

const SHELF = `
  SELECT ${ROW_COLUMNS}
  FROM (
    SELECT position FROM tillbridge.shelf WHERE position > $1 ORDER BY position LIMIT $2
  ) AS shelved
  CROSS JOIN LATERAL (
    SELECT * FROM tillbridge.batches WHERE last_position >= position
    ORDER BY last_position LIMIT 1
  ) AS b
  JOIN tillbridge.chains USING (chain)
  CROSS JOIN LATERAL (
    SELECT * FROM tillbridge.rows AS each
    WHERE each.batch = b.batch AND each.recorded_at = b.recorded_at
      AND each.nth = position - first_position
    OFFSET 0
  ) AS r
  ORDER BY position`

/** Rows on the shelf behind a position, in order of commit. */
export async function readShelf(
  connections: Connections,
  options: { readonly after: number; readonly limit: number },
): Promise<readonly LedgerRow[]> {
  const { rows } = await connections.query({
    name: 'shelf',
    text: SHELF,
    values: [options.after, Math.max(options.limit, 0)],
  })
  return rows.map(parseRow)
}
