import { z } from 'zod'
import type { Publication } from '../ledger.js'
import type { Connections } from './connections.js'

/**
 * In one statement, so that no row is in both or in neither. What is not committed stays out. One
 * mark a second: where many rows are fanned out they share it.
 */
const MARK = `
  WITH shelved AS (
    INSERT INTO tillbridge.shelf (position)
    SELECT unnest($2::int8[]) ON CONFLICT DO NOTHING
  ), goal AS (
    SELECT position AS before, greatest(position,
      least($1, coalesce((SELECT max(last_position) FROM tillbridge.batches), 0))) AS position
    FROM tillbridge.fan_out FOR UPDATE
  ), shared AS (
    UPDATE tillbridge.fan_out_marks AS mark SET last_position = goal.position, at = $3
    FROM goal
    WHERE goal.position > before
      AND date_trunc('second', at) = date_trunc('second', $3::timestamptz)
      AND mark.last_position = (SELECT max(last_position) FROM tillbridge.fan_out_marks)
    RETURNING 1
  ), marked AS (
    INSERT INTO tillbridge.fan_out_marks (first_position, last_position, at)
    SELECT before + 1, position, $3 FROM goal
    WHERE position > before AND NOT EXISTS (SELECT FROM shared)
  )
  UPDATE tillbridge.fan_out SET position = goal.position FROM goal`

/** Everything up to this position is fanned out, but for what is on the shelf from now on. */
export async function markFannedOut(
  connections: Connections,
  marked: {
    readonly position: number
    readonly refused: readonly number[]
    readonly atMs: number
  },
): Promise<void> {
  const { position, refused, atMs } = marked
  await connections.query(MARK, [position, refused, new Date(atMs)])
}

const UNSHELVE = `
  WITH taken AS (DELETE FROM tillbridge.shelf WHERE position = $1 RETURNING position)
  INSERT INTO tillbridge.unshelved (position, at)
  SELECT position, $2 FROM taken ON CONFLICT (position) DO UPDATE SET at = excluded.at`

export async function unshelve(
  connections: Connections,
  row: { readonly position: number; readonly atMs: number },
): Promise<void> {
  await connections.query(UNSHELVE, [row.position, new Date(row.atMs)])
}

const PUBLICATION = `
  SELECT $1 > position AS "isWaiting",
    EXISTS (SELECT FROM tillbridge.shelf WHERE shelf.position = $1) AS "isRefused",
    coalesce((SELECT at FROM tillbridge.unshelved WHERE unshelved.position = $1),
      (SELECT CASE WHEN first_position <= $1 THEN at END FROM tillbridge.fan_out_marks
        WHERE last_position >= $1 ORDER BY last_position LIMIT 1)) AS at
  FROM tillbridge.fan_out`

const publication = z.tuple([
  z.object({ isWaiting: z.boolean(), isRefused: z.boolean(), at: z.date().nullable() }),
])

/** Where the row at a position stands on its way to the subscribers. */
export async function readPublication(
  connections: Connections,
  position: number,
): Promise<Publication> {
  const { rows } = await connections.query({
    name: 'publication',
    text: PUBLICATION,
    values: [position],
  })
  const [{ isWaiting, isRefused, at }] = publication.parse(rows)
  if (isWaiting) return { type: 'waiting' }
  if (isRefused) return { type: 'refused' }
  return at === null ? { type: 'published' } : { type: 'published', atMs: at.getTime() }
}
