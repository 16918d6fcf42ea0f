import { z } from 'zod'
import { storeIdSchema } from '../../core/id-schema.js'
import { recordHeader } from '../../wire/record.js'
import type { LedgerRow } from '../ledger.js'
import { DamagedRowError } from '../ledger-row.js'
import type { Connection } from './connections.js'

/** Of a row `r`, its batch `b` and its chain. */
export const ROW_COLUMNS = `
  b.first_position + r.nth AS position, r.store, chains.epoch, r.seq, r.class, r.type, r.boot,
  r.monotonic_ms, r.clock, encode(r.hash, 'hex') AS hash, r.kind, r.historical, r.event,
  (extract(epoch FROM b.recorded_at) * 1000)::int8 AS recorded_ms`

/**
 * Batch by batch in the order of their positions, so that it ends early and looks into no month but
 * those of the batches it needs. OFFSET 0 keeps the planner from joining whole months first.
 */
const ROWS = `
  SELECT ${ROW_COLUMNS}
  FROM tillbridge.batches AS b
  JOIN tillbridge.chains USING (chain)
  CROSS JOIN LATERAL (
    SELECT * FROM tillbridge.rows AS each
    WHERE each.batch = b.batch AND each.recorded_at = b.recorded_at
    OFFSET 0
  ) AS r
  WHERE b.last_position > $1 AND b.first_position + r.nth > $1
    AND ($3::text[] IS NULL OR r.kind = ANY($3))
  ORDER BY b.last_position, r.nth
  LIMIT $2`

const storedRow = z.object({
  position: z.int(),
  store: storeIdSchema,
  epoch: z.unknown(),
  seq: z.unknown(),
  class: z.unknown(),
  type: z.unknown(),
  boot: z.unknown(),
  monotonic_ms: z.unknown(),
  clock: z.unknown(),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  kind: z.enum(['event', 'duplicate', 'conflict', 'evicted']),
  historical: z.boolean(),
  event: z.instanceof(Buffer).nullable(),
  recorded_ms: z.int(),
})

/** Rows after a position, in order of commit: of these kinds, or of all. */
export async function readRows(
  connection: Pick<Connection, 'query'>,
  options: {
    readonly after: number
    readonly limit: number
    readonly kinds?: readonly LedgerRow['kind'][]
  },
): Promise<readonly LedgerRow[]> {
  const { after, limit, kinds = null } = options
  if (limit <= 0) return []
  const { rows } = await connection.query({
    name: 'rows',
    text: ROWS,
    values: [after, limit, kinds],
  })
  return rows.map(parseRow)
}

/** A row with `ROW_COLUMNS`. @throws DamagedRowError */
export function parseRow(row: unknown): LedgerRow {
  const { position } = z.object({ position: z.int() }).parse(row)
  const parsed = storedRow.safeParse(row)
  if (!parsed.success) throw new DamagedRowError(position)
  const { store, epoch, seq, boot, type, clock, hash, kind, historical } = parsed.data
  const monotonicMs = parsed.data.monotonic_ms
  const header = recordHeader.safeParse({
    epoch,
    seq,
    class: parsed.data.class,
    type,
    boot,
    monotonicMs,
    clock,
  })
  if (!header.success) throw new DamagedRowError(position)
  return {
    position,
    store,
    header: header.data,
    hash,
    kind,
    historical,
    event: parsed.data.event ?? undefined,
    recordedMs: parsed.data.recorded_ms,
  }
}
