import { type Clock, rfc3339 } from '../../core/clock.js'
import { type ErrorCode, TillbridgeError } from '../../core/errors.js'
import type { EpochId, LedgerId, StoreId } from '../../core/ids.js'
import { LIMITS } from '../../core/limits.js'
import type { Random } from '../../core/random.js'
import { RetrySchedule } from '../../core/retry-schedule.js'
import type { PublicKey } from '../../security/signature.js'
import type { Batch } from '../../wire/batch.js'
import type { Hello, LedgerGeneration } from '../../wire/hello.js'
import type { BackupPoint } from '../backup-points.js'
import { CommitBell } from '../commit-bell.js'
import type {
  CommitResult,
  DocumentState,
  Evidence,
  Leadership,
  Ledger,
  LedgerReceipt,
  LedgerRow,
  Publication,
  RowsAt,
  StoreAccount,
  Tracking,
  VersionState,
} from '../ledger.js'
import { beginBackup, endBackup, listBackups } from './backups.js'
import { commitBatch } from './commit.js'
import {
  type Connections,
  openConnections,
  type PostgresAddress,
  withConnection,
} from './connections.js'
import { readDocuments, readStores } from './documents.js'
import { readAccount, readKeys, readRowsAt, readStatements, trustKey } from './evidence.js'
import { isMonthMissing, isPassing, ledgerFailure, openFailure } from './failures.js'
import { markFannedOut, readPublication, unshelve } from './fan-out.js'
import { makeGeneration, readGeneration, renewGeneration } from './generation.js'
import { takeLeadership } from './leadership.js'
import { Months } from './months.js'
import { readOutbox, readShelf } from './outbox.js'
import { readRows } from './rows.js'
import { checkLedger, migrate } from './schema.js'
import { greetStore, readReceipt } from './stores.js'
import { readVersions } from './versions.js'

export interface PostgresLedgerOptions extends PostgresAddress {
  readonly clock: Clock
  readonly random: Random
}

/**
 * The ledger in a PostgreSQL database, which several receivers may share. Its tables are made, or
 * brought up to date, here.
 * @throws TillbridgeError TB_LEDGER_UNREACHABLE, TB_LEDGER_REFUSED, TB_LEDGER_FORBIDDEN,
 * TB_LEDGER_UNSUITABLE, TB_LEDGER_FORMAT; none of them tells the password.
 */
export async function openPostgresLedger(options: PostgresLedgerOptions): Promise<Ledger> {
  const connections = openConnections(options)
  try {
    await migrate(connections)
    await makeGeneration({ ...options, connections })
    const months = new Months(connections)
    await months.cover(options.clock.wallMs())
    return new PostgresLedger({ ...options, connections, months })
  } catch (thrown) {
    await connections.end()
    throw openFailure(thrown)
  }
}

/** A ledger's rows for a reader that may have no right to write. */
export interface PostgresRows extends Pick<Ledger, 'rows'>, Evidence, Tracking {
  close(): Promise<void>
}

/** @throws TillbridgeError as `openPostgresLedger`; TB_LEDGER_FORMAT where there is no ledger. */
export async function openPostgresRows(address: PostgresAddress): Promise<PostgresRows> {
  const connections = openConnections(address)
  try {
    await withConnection(connections, checkLedger)
    return {
      rows: (after, limit) => readRows(connections, { after, limit }),
      rowsAt: (range, limit) => readRowsAt(connections, range, limit),
      statements: (store, after, limit) => readStatements(connections, { store, after, limit }),
      account: store => readAccount(connections, store),
      keys: store => readKeys(connections, store),
      publication: position => readPublication(connections, position),
      documents: name => readDocuments(connections, name),
      versions: () => readVersions(connections),
      stores: () => readStores(connections),
      close: () => connections.end(),
    }
  } catch (thrown) {
    await connections.end()
    throw openFailure(thrown)
  }
}

/**
 * Nothing of the database is remembered here but which months have their partition: other
 * receivers work on it too, and it may be restored from a backup at any time.
 */
class PostgresLedger implements Ledger {
  readonly #connections: Connections
  readonly #clock: Clock
  readonly #random: Random
  readonly #months: Months
  readonly #running = new Set<Promise<unknown>>()
  readonly #leaderships = new Set<Leadership>()
  readonly #committed: CommitBell
  #isClosed = false

  constructor(
    options: PostgresLedgerOptions & {
      readonly connections: Connections
      readonly months: Months
    },
  ) {
    this.#connections = options.connections
    this.#clock = options.clock
    this.#random = options.random
    this.#months = options.months
    this.#committed = new CommitBell(options.clock, LIMITS.outboxLookMs)
  }

  generation(): Promise<LedgerGeneration> {
    return this.#reading(() => readGeneration(this.#connections))
  }

  renew(expected: LedgerId): Promise<LedgerGeneration> {
    const tools = { connections: this.#connections, clock: this.#clock, random: this.#random }
    return this.#writing(() => renewGeneration({ ...tools, expected }))
  }

  commit(batch: Batch): Promise<CommitResult> {
    return this.#writing(() => this.#commit(batch))
  }

  greet(store: StoreId, hello: Hello): Promise<readonly string[]> {
    return this.#writing(() => greetStore(this.#connections, { store, hello }))
  }

  receipt(store: StoreId, asked?: ReadonlySet<EpochId>): Promise<LedgerReceipt> {
    return this.#reading(() =>
      withConnection(this.#connections, connection => readReceipt(connection, { store, asked })),
    )
  }

  rows(after: number, limit: number): Promise<readonly LedgerRow[]> {
    return this.#reading(() => readRows(this.#connections, { after, limit }))
  }

  rowsAt(range: RowsAt, limit: number): Promise<readonly LedgerRow[]> {
    return this.#reading(() => readRowsAt(this.#connections, range, limit))
  }

  statements(store: StoreId, after: number, limit: number): Promise<readonly LedgerRow[]> {
    return this.#reading(() => readStatements(this.#connections, { store, after, limit }))
  }

  account(store: StoreId): Promise<StoreAccount> {
    return this.#reading(() => readAccount(this.#connections, store))
  }

  keys(store: StoreId): Promise<readonly PublicKey[]> {
    return this.#reading(() => readKeys(this.#connections, store))
  }

  trustKey(store: StoreId, publicKey: PublicKey): Promise<void> {
    return this.#writing(() => trustKey(this.#connections, { store, publicKey }))
  }

  onCommitted(listener: () => void): () => void {
    return this.#committed.listen(listener)
  }

  outbox(limit: number): Promise<readonly LedgerRow[]> {
    return this.#reading(() => readOutbox(this.#connections, limit, this.#clock.wallMs()))
  }

  fannedOut(position: number, refused: readonly number[] = []): Promise<void> {
    const marked = { position, refused, atMs: this.#clock.wallMs() }
    return this.#writing(() => markFannedOut(this.#connections, marked))
  }

  shelf(after: number, limit: number): Promise<readonly LedgerRow[]> {
    return this.#reading(() => readShelf(this.#connections, { after, limit }))
  }

  unshelve(position: number): Promise<void> {
    const row = { position, atMs: this.#clock.wallMs() }
    return this.#writing(() => unshelve(this.#connections, row))
  }

  publication(position: number): Promise<Publication> {
    return this.#reading(() => readPublication(this.#connections, position))
  }

  documents(name: string): Promise<readonly DocumentState[]> {
    return this.#reading(() => readDocuments(this.#connections, name))
  }

  versions(): Promise<readonly VersionState[]> {
    return this.#reading(() => readVersions(this.#connections))
  }

  stores(): Promise<readonly StoreId[]> {
    return this.#reading(() => readStores(this.#connections))
  }

  lead(): Promise<Leadership | undefined> {
    return this.#reading(async () => {
      const leadership = await takeLeadership(this.#connections, this.#clock)
      if (leadership !== undefined) this.#hold(leadership)
      return leadership
    })
  }

  beginBackup(): Promise<BackupPoint> {
    return this.#writing(() => beginBackup(this.#connections, this.#now()))
  }

  endBackup(id: number, keep: number): Promise<readonly BackupPoint[]> {
    return this.#writing(() => endBackup(this.#connections, { id, keep, done: this.#now() }))
  }

  backups(): Promise<readonly BackupPoint[]> {
    return this.#reading(() => listBackups(this.#connections))
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await Promise.allSettled(this.#running)
    await Promise.all([...this.#leaderships].map(leadership => leadership.resign()))
    await this.#connections.end()
  }

  async #commit(batch: Batch): Promise<CommitResult> {
    const retry = new RetrySchedule({ firstMs: 10, maxMs: 1000, random: this.#random })
    for (let attempt = 1; ; attempt += 1)
      try {
        const recordedMs = this.#clock.wallMs()
        const alarms = await this.#months.cover(recordedMs)
        const result = await withConnection(this.#connections, connection =>
          commitBatch(connection, { batch, recordedMs }),
        )
        this.#committed.ring()
        return { ...result, alarms: [...result.alarms, ...alarms] }
      } catch (thrown) {
        if (isMonthMissing(thrown)) this.#months.forget()
        else if (!isPassing(thrown)) throw thrown
        if (attempt === LIMITS.ledgerAttempts) throw thrown
        await this.#clock.sleep(retry.nextMs())
      }
  }

  /** Until it is lost, which it is when this ledger closes. */
  #hold(leadership: Leadership): void {
    this.#leaderships.add(leadership)
    const forget = (): void => void this.#leaderships.delete(leadership)
    leadership.lost.addEventListener('abort', forget, { once: true })
  }

  #now(): string {
    return rfc3339(this.#clock.wallMs(), 'UTC')
  }

  #writing<Value>(write: () => Promise<Value>): Promise<Value> {
    return this.#run('TB_LEDGER_WRITE', write)
  }

  #reading<Value>(read: () => Promise<Value>): Promise<Value> {
    return this.#run('TB_LEDGER_UNREACHABLE', read)
  }

  #run<Value>(code: ErrorCode, work: () => Promise<Value>): Promise<Value> {
    if (this.#isClosed) return Promise.reject(new TillbridgeError(code, 'the ledger is closed'))
    const running = work().catch(thrown => {
      throw ledgerFailure(code, thrown)
    })
    this.#running.add(running)
    const done = (): void => void this.#running.delete(running)
    running.then(done, done)
    return running
  }
}
