import { z } from 'zod'
import { toHex } from '../../core/bytes.js'
import { TillbridgeError } from '../../core/errors.js'
import { epochOrdinal, type StoreId } from '../../core/ids.js'
import type { Batch } from '../../wire/batch.js'
import { bodyDigest } from '../../wire/record.js'
import type { ChainState } from '../chain-state.js'
import { type CommitPlan, type PlannedRow, planCommit } from '../commit-plan.js'
import type { CommitResult } from '../ledger.js'
import { chainValues } from './chains.js'
import { type Connection, lockSql } from './connections.js'
import { bodyOf, NO_BODY } from './event-body.js'
import { PostgresMemory } from './memory.js'
import { monthOf } from './months.js'
import { writeState } from './stores.js'

/** A batch in one transaction of its own on this connection. */
export async function commitBatch(
  connection: Connection,
  options: { readonly batch: Batch; readonly recordedMs: number },
): Promise<CommitResult> {
  const { batch, recordedMs } = options
  const { store } = batch.header
  const memory = await PostgresMemory.open(connection, batch.header)
  const plan = await planCommit(memory, batch)
  if (plan.store !== undefined) await writeState(connection, { store, state: plan.store })
  const [own, ...others] = plan.chains
  if (own === undefined) {
    // Nothing is new but what the store holds, at most.
    await connection.query('COMMIT')
    return plan.result
  }
  for (const state of others) await storeChain(connection, { memory, store, state })
  const chain = await storeChain(connection, { memory, store, state: own })
  // Sent together: where one fails, PostgreSQL refuses those behind it, and the commit with them.
  await Promise.all([
    storeRows(connection, { batch, chain, plan, recordedMs }),
    finish(connection, { count: plan.rows.length, chain, recordedMs }),
  ])
  return plan.result
}

/** The number of the chain. */
async function storeChain(
  connection: Connection,
  options: {
    readonly memory: PostgresMemory
    readonly store: StoreId
    readonly state: ChainState
  },
): Promise<number> {
  const { memory, store, state } = options
  const known = await memory.stored(store, state.epoch)
  if (known !== undefined) {
    await connection.query({
      name: 'store-chain',
      text: `UPDATE tillbridge.chains
        SET committed = $1, segments = $2, ending = $3, backed = $4 WHERE chain = $5`,
      values: [...chainValues(state), known.chain],
    })
    return known.chain
  }
  const { rows } = await connection.query(
    `INSERT INTO tillbridge.chains (committed, segments, ending, backed, store, epoch, ordinal)
      VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING chain`,
    [...chainValues(state), store, state.epoch, epochOrdinal(state.epoch)],
  )
  return z.tuple([z.object({ chain: z.int() })]).parse(rows)[0].chain
}

/**
 * Rows, and what the dedupe memory keeps of them, in one message. Digests and events come end to
 * end as one value each: as an array every byte of them would travel as two digits.
 */
const STORE_ROWS = `
  WITH each AS MATERIALIZED (
    SELECT seq, kind, class, type, boot, monotonic_ms, clock, is_first, nth,
      substring($13::bytea FROM nth::int * 32 - 31 FOR 32) AS hash,
      substring($14::bytea FROM nth::int * 32 - 31 FOR 32) AS digest,
      substring($15::bytea FROM nth::int * 32 - 31 FOR 32) AS identity,
      substring($16::bytea FROM nth::int * 32 - 31 FOR 32) AS data_digest,
      substring($17::bytea FROM start FOR length) AS event,
      is_json, body
    FROM unnest($6::int8[], $7::text[], $8::text[], $9::text[], $10::text[], $11::int8[],
      $12::text[], $18::boolean[], $19::int[], $20::int[], $21::boolean[], $22::text[]
    ) WITH ORDINALITY AS each (seq, kind, class, type, boot, monotonic_ms, clock, is_first, start,
      length, is_json, body, nth)
  ),
  first AS (
    INSERT INTO tillbridge.identities (store, identity, digest, chain, seq, month)
    SELECT $2, identity, data_digest, $3, seq, $5 FROM each WHERE is_first
  ),
  conflicting AS (
    INSERT INTO tillbridge.identity_conflicts (store, identity, digest, chain, seq, month)
    SELECT $2, identity, data_digest, $3, seq, $5 FROM each WHERE NOT is_first
  ),
  number AS MATERIALIZED (SELECT nextval('tillbridge.batch_numbers') AS batch)
  INSERT INTO tillbridge.rows (batch, nth, recorded_at, store, chain, historical, seq, hash,
    kind, class, type, boot, monotonic_ms, clock, digest, event, body)
  SELECT batch, nth - 1, $1, $2, $3, $4, seq, hash, kind, class, type, boot, monotonic_ms, clock,
    digest, event,
    CASE WHEN is_json THEN convert_from(event, 'UTF8')::jsonb ELSE body::jsonb END
  FROM number, each`

const NO_DIGEST = '0'.repeat(64)

async function storeRows(
  connection: Connection,
  options: {
    readonly batch: Batch
    readonly chain: number
    readonly plan: CommitPlan
    readonly recordedMs: number
  },
): Promise<void> {
  const { batch, chain, plan, recordedMs } = options
  const { store, historical } = batch.header
  const of = <Value>(read: (row: PlannedRow) => Value): readonly Value[] => plan.rows.map(read)
  const joined = (read: (row: PlannedRow) => string | undefined): Buffer =>
    Buffer.from(of(row => read(row) ?? NO_DIGEST).join(''), 'hex')
  const events = of(({ record }) => (record.body.type === 'event' ? record.body.bytes : undefined))
  const bodies = events.map(event => (event === undefined ? NO_BODY : bodyOf(event)))
  await connection.query({
    name: 'store-rows',
    text: STORE_ROWS,
    values: [
      timestamp(recordedMs),
      store,
      chain,
      historical,
      monthOf(recordedMs),
      of(({ record }) => record.header.seq),
      of(({ kind }) => kind),
      of(({ record }) => record.header.class),
      of(({ record }) => record.header.type),
      of(({ record }) => record.header.boot),
      of(({ record }) => record.header.monotonicMs),
      of(({ record }) => record.header.clock),
      joined(({ record }) => record.hash),
      joined(({ record }) => bodyDigest(record.body)),
      joined(({ claim }) => claim && toHex(claim.key)),
      joined(({ claim }) => claim?.digest),
      Buffer.concat(events.map(event => event ?? NOTHING)),
      of(({ claim }) => claim?.isFirst ?? null),
      ...slicesOf(events),
      bodies.map(({ isEvent }) => isEvent),
      bodies.map(({ json }) => json),
    ],
  })
}

const NOTHING = Buffer.alloc(0)

/** Where each event begins, counted from 1, and its length; null where there is none. */
function slicesOf(
  events: readonly (Uint8Array | undefined)[],
): readonly (readonly (number | null)[])[] {
  let next = 1
  const starts = events.map(event => {
    const start = next
    next += event?.length ?? 0
    return event === undefined ? null : start
  })
  return [starts, events.map(event => event?.length ?? null)]
}

/**
 * Gives the batch its positions and commits, in one message: the lock on positions is held for a
 * small insert and the disk's flush, and by no one who freezes. PostgreSQL makes a commit visible
 * before it lets go of its locks, so positions are in the order of commits, without holes, and none
 * appears behind a reader.
 */
async function finish(
  connection: Connection,
  options: {
    readonly count: number
    readonly chain: number
    readonly recordedMs: number
  },
): Promise<void> {
  const { count, chain, recordedMs } = options
  const results: unknown = await connection.query(`
    ${lockSql('positions')};
    INSERT INTO tillbridge.batches (batch, first_position, last_position, chain, recorded_at)
    SELECT currval('tillbridge.batch_numbers'), newest + 1, newest + ${count}, ${chain},
      '${timestamp(recordedMs)}'
    FROM (SELECT coalesce(max(last_position), 0) AS newest FROM tillbridge.batches) AS positions;
    COMMIT`)
  const last: unknown = Array.isArray(results) ? results.at(-1) : undefined
  // PostgreSQL answers ROLLBACK, and no error, where the transaction had failed before.
  if (!z.object({ command: z.literal('COMMIT') }).safeParse(last).success)
    throw new TillbridgeError('TB_LEDGER_WRITE', 'the database rolled the batch back')
}

function timestamp(wallMs: number): string {
  return new Date(wallMs).toISOString()
}
