import { z } from 'zod'
import type { VersionState } from '../ledger.js'
import { VERSION_TYPES, VersionStates } from '../version-states.js'
import type { Connection } from './connections.js'
import { parseRow, ROW_COLUMNS } from './rows.js'

/** A fleet has as many of these rows as it has starts and alarms. */
const PAGE_ROWS = 1_000
const TYPES = VERSION_TYPES.map(type => `'${type}'`).join(', ')

/** A step of the schema (migrations.ts): its types stand here as they were then. */
export const VERSION_INDEX = `
CREATE INDEX ON tillbridge.rows (batch, nth)
  WHERE type IN ('gateway.started', 'gateway.self-tested', 'gateway.alarm');
`

const VERSIONS = `
  SELECT r.batch, r.nth, ${ROW_COLUMNS}
  FROM tillbridge.rows AS r
  JOIN tillbridge.batches AS b USING (batch)
  JOIN tillbridge.chains ON chains.chain = r.chain
  WHERE r.type IN (${TYPES}) AND (r.batch, r.nth) > ($1, $2)
  ORDER BY r.batch, r.nth
  LIMIT $3`

const place = z.object({ batch: z.int(), nth: z.int() })

/** @throws DamagedRowError */
export async function readVersions(
  connection: Pick<Connection, 'query'>,
): Promise<readonly VersionState[]> {
  const states = new VersionStates()
  for (let [batch, nth] = [0, -1]; ; ) {
    const values = [batch, nth, PAGE_ROWS]
    const { rows } = await connection.query({ name: 'versions', text: VERSIONS, values })
    for (const row of rows) states.add(parseRow(row))
    if (rows.length < PAGE_ROWS) return states.all
    ;({ batch, nth } = place.parse(rows.at(-1)))
  }
}
