import { z } from 'zod'
import type { Claim, KnownClaim } from '../../core/claims.js'
import type { EpochId, StoreId } from '../../core/ids.js'
import type { BatchHeader } from '../../wire/batch.js'
import { type ChainState, emptyChain } from '../chain-state.js'
import type { LedgerMemory, PlaceRange, Places } from '../ledger-memory.js'
import type { StoreState } from '../store-state.js'
import { CHAIN_COLUMNS, parseChain, type StoredChain } from './chains.js'
import { type Connection, lockSql, queryAll } from './connections.js'
import { parseState } from './stores.js'

const placeRow = z.object({ seq: z.int(), hash: z.instanceof(Buffer) })
const claimRow = z.object({
  identity: z.instanceof(Buffer),
  digest: z.instanceof(Buffer),
  first: z.boolean(),
})
const pointRow = z.object({ id: z.int() })
const stateRow = z.object({ state: z.unknown() })

/**
 * Key by key: without statistics, as in a new database, the planner would rather read everything
 * that the store ever sent.
 */
const CLAIMS = `
  SELECT identity, digest, first
  FROM unnest($2::bytea[]) AS wanted (identity)
  CROSS JOIN LATERAL (
    (SELECT digest, true AS first FROM tillbridge.identities AS known
    WHERE known.store = $1 AND known.identity = wanted.identity OFFSET 0)
    UNION ALL
    (SELECT digest, false FROM tillbridge.identity_conflicts AS known
    WHERE known.store = $1 AND known.identity = wanted.identity OFFSET 0)
  ) AS known`

/** What the database has of a store whose row this transaction has locked. */
export class PostgresMemory implements LedgerMemory {
  readonly #connection: Connection
  readonly #state: StoreState
  readonly #points: readonly number[]
  readonly #chains = new Map<EpochId, StoredChain | undefined>()

  /**
   * Begins a transaction. Batches of one store wait here for each other, so nothing that a plan is
   * made from changes under it; and beginning a backup waits until no commit is under way.
   */
  static async open(connection: Connection, header: BatchHeader): Promise<PostgresMemory> {
    const { store, epoch } = header
    const [storeText, epochText] = [store, epoch].map(text => connection.escapeLiteral(text))
    const read = [
      `SELECT state FROM tillbridge.stores WHERE store = ${storeText} FOR NO KEY UPDATE`,
      'SELECT id FROM tillbridge.backups ORDER BY id',
      `SELECT ${CHAIN_COLUMNS} FROM tillbridge.chains
        WHERE store = ${storeText} AND epoch = ${epochText}`,
    ]
    const [, , ...first] = await queryAll(connection, [
      'BEGIN',
      lockSql('backups', 'shared'),
      ...read,
    ])
    if (first[0]?.length === 1) return new PostgresMemory(connection, { epoch, read: first })
    await connection.query(
      'INSERT INTO tillbridge.stores (store) VALUES ($1) ON CONFLICT DO NOTHING',
      [store],
    )
    return new PostgresMemory(connection, { epoch, read: await queryAll(connection, read) })
  }

  private constructor(
    connection: Connection,
    known: { readonly epoch: EpochId; readonly read: readonly (readonly unknown[])[] },
  ) {
    const [states = [], points = [], chains = []] = known.read
    this.#connection = connection
    this.#state = parseState(z.array(stateRow).parse(states)[0]?.state ?? null)
    this.#points = z
      .array(pointRow)
      .parse(points)
      .map(({ id }) => id)
    this.#chains.set(known.epoch, chains.map(parseChain)[0])
  }

  /** Nothing where the database has no such chain yet. */
  async stored(store: StoreId, epoch: EpochId): Promise<StoredChain | undefined> {
    if (!this.#chains.has(epoch)) {
      const { rows } = await this.#connection.query(
        `SELECT ${CHAIN_COLUMNS} FROM tillbridge.chains WHERE store = $1 AND epoch = $2`,
        [store, epoch],
      )
      this.#chains.set(epoch, rows.map(parseChain)[0])
    }
    return this.#chains.get(epoch)
  }

  async chain(store: StoreId, epoch: EpochId): Promise<ChainState> {
    return (await this.stored(store, epoch))?.state ?? emptyChain(epoch)
  }

  async chains(store: StoreId): Promise<readonly ChainState[]> {
    const { rows } = await this.#connection.query(
      `SELECT ${CHAIN_COLUMNS} FROM tillbridge.chains WHERE store = $1 ORDER BY ordinal, epoch`,
      [store],
    )
    return rows.map(row => parseChain(row).state)
  }

  async store(): Promise<StoreState> {
    return this.#state
  }

  async backupPoints(): Promise<readonly number[]> {
    return this.#points
  }

  async places({ store, epoch, first, last }: PlaceRange): Promise<Places> {
    const places = new Map<number, Set<string>>()
    const known = await this.stored(store, epoch)
    // What no segment covers has no rows: most batches need not look.
    if (!known?.state.segments.some(each => each.first <= last && first <= each.last)) return places
    const { rows } = await this.#connection.query({
      name: 'places',
      text: 'SELECT seq, hash FROM tillbridge.rows WHERE chain = $1 AND seq BETWEEN $2 AND $3',
      values: [known.chain, first, last],
    })
    for (const { seq, hash } of z.array(placeRow).parse(rows))
      places.set(seq, (places.get(seq) ?? new Set()).add(hash.toString('hex')))
    return places
  }

  async claims(store: StoreId, claims: readonly Claim[]): Promise<readonly KnownClaim[]> {
    if (claims.length === 0) return []
    const { rows } = await this.#connection.query({
      name: 'claims',
      text: CLAIMS,
      values: [store, claims.map(({ key }) => key)],
    })
    return z
      .array(claimRow)
      .parse(rows)
      .map(({ identity, digest, first }) => {
        return { key: identity, digest: digest.toString('hex'), isFirst: first }
      })
  }
}
