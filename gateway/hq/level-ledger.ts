import { type Clock, rfc3339 } from '../core/clock.js'
import { type Database, openDatabase } from '../core/database.js'
import { type ErrorCode, messageOf, TillbridgeError } from '../core/errors.js'
import type { EpochId, LedgerId, StoreId } from '../core/ids.js'
import type { Random } from '../core/random.js'
import { SerialQueue } from '../core/serial-queue.js'
import type { PublicKey } from '../security/signature.js'
import type { Batch } from '../wire/batch.js'
import type { Hello, LedgerGeneration } from '../wire/hello.js'
import { makeEpochReceipt } from '../wire/receipt.js'
import { safeUpTo } from './backup-coverage.js'
import { type BackupPoint, finishPoint, nextPoint, safePoint } from './backup-points.js'
import { coverage } from './chain-state.js'
import { loadChains } from './chain-store.js'
import { CommitBell } from './commit-bell.js'
import { planCommit } from './commit-plan.js'
import { DocumentStates } from './document-states.js'
import type {
  CommitResult,
  DocumentState,
  Leadership,
  Ledger,
  LedgerReceipt,
  LedgerRow,
  Publication,
  RowsAt,
  StoreAccount,
  VersionState,
} from './ledger.js'
import { levelMemory, operationsOf } from './level-commit.js'
import { readAbout, readRowsAt, readStatements, readStores } from './level-evidence.js'
import { markFannedOut, readFannedOut, readPublication, unshelve } from './level-fan-out.js'
import { readGeneration, writeGeneration } from './level-generation.js'
import { indexOlderRows } from './level-indexes.js'
import { loadBackups, loadStore, storeBackups, storeStore } from './level-notes.js'
import { lastPosition, readRows, readShelf } from './level-outbox.js'
import { LocalLeadership } from './local-leadership.js'
import { auditHello, withKey } from './store-state.js'
import { VersionStates } from './version-states.js'

export interface LevelLedgerOptions {
  /** Open; the ledger takes it over and closes it, also where opening the ledger fails. */
  readonly database: Database
  readonly clock: Clock
  readonly random: Random
}

const OPEN_FAILURES = {
  locked: 'TB_LEDGER_LOCKED',
  forbidden: 'TB_DATA_FORBIDDEN',
  refused: 'TB_LEDGER_WRITE',
  unreadable: 'TB_LEDGER_UNREADABLE',
} as const

/**
 * The LevelDB database of a ledger's directory.
 * @throws TillbridgeError TB_LEDGER_LOCKED, TB_LEDGER_UNREADABLE, TB_DATA_FORBIDDEN; each
 * names the directory.
 */
export async function openLedgerDatabase(directory: string): Promise<Database> {
  const opened = await openDatabase(directory)
  if (opened.ok) return opened.value
  const { reason, message } = opened.error
  throw new TillbridgeError(OPEN_FAILURES[reason], message)
}

/** @throws TillbridgeError TB_LEDGER_UNREADABLE, TB_LEDGER_WRITE */
export async function openLevelLedger(options: LevelLedgerOptions): Promise<Ledger> {
  const { database } = options
  try {
    const generation = await readGeneration(options)
    await indexOlderRows(database)
    return new LevelLedger({ ...options, generation, counters: await readCounters(database) })
  } catch (thrown) {
    await database.close()
    throw thrown
  }
}

/** Read at a time: commits go on between. */
const PAGE_ROWS = 500

interface Counters {
  /** Position of the newest row; 0 where there is none. */
  readonly last: number
  /** Rows up to this one are published, or need not be. */
  readonly fannedOut: number
}

/** One commit at a time: positions are in the order of commits, and none appears behind another. */
class LevelLedger implements Ledger {
  readonly #options: LevelLedgerOptions
  readonly #database: Database
  readonly #clock: Clock
  readonly #leadership = new LocalLeadership()
  readonly #queue = new SerialQueue()
  readonly #committed: CommitBell
  #generation: LedgerGeneration
  #counters: Counters
  /** LevelDB refuses every write after one that failed, until it is opened anew. */
  #isWounded = false
  #isClosed = false

  constructor(
    options: LevelLedgerOptions & {
      readonly generation: LedgerGeneration
      readonly counters: Counters
    },
  ) {
    this.#options = options
    this.#generation = options.generation
    this.#database = options.database
    this.#clock = options.clock
    this.#committed = new CommitBell(options.clock)
    this.#counters = options.counters
  }

  commit(batch: Batch): Promise<CommitResult> {
    return this.#writing(() => this.#commit(batch))
  }

  /** No other process can have changed it: the database is locked. */
  async generation(): Promise<LedgerGeneration> {
    return this.#generation
  }

  renew(expected: LedgerId): Promise<LedgerGeneration> {
    return this.#writing(async () => {
      if (this.#generation.ledger === expected)
        this.#generation = await writeGeneration(this.#options)
      return this.#generation
    })
  }

  greet(store: StoreId, hello: Hello): Promise<readonly string[]> {
    return this.#writing(async () => {
      const audit = auditHello(await loadStore(this.#database, store), store, hello)
      // Not synced: a ledger that starts again is greeted again.
      await this.#database.batch([storeStore(store, audit.state)], { sync: false })
      return audit.alarms
    })
  }

  receipt(store: StoreId, asked?: ReadonlySet<EpochId>): Promise<LedgerReceipt> {
    return this.#reading(async database => {
      const known = asked ?? (await loadStore(database, store)).held
      const chains = await loadChains(database, { store, held: known && new Set(known) })
      const point = safePoint(await loadBackups(database))
      // An epoch may be known only from the one after it: of that one nothing ever came.
      const epochs = chains
        .filter(({ segments }) => segments.length > 0)
        .map(chain => ({
          ...makeEpochReceipt(chain.epoch, coverage(chain)),
          ...(point === undefined ? {} : { safe: safeUpTo(chain, point.id) }),
        }))
      return { ledger: this.#generation.ledger, epochs }
    })
  }

  rows(after: number, limit: number): Promise<readonly LedgerRow[]> {
    return this.#reading(database => readRows(database, { after, limit }))
  }

  rowsAt(range: RowsAt, limit: number): Promise<readonly LedgerRow[]> {
    return this.#reading(database => readRowsAt(database, range, limit))
  }

  statements(store: StoreId, after: number, limit: number): Promise<readonly LedgerRow[]> {
    return this.#reading(database => readStatements(database, { store, after, limit }))
  }

  account(store: StoreId): Promise<StoreAccount> {
    return this.#reading(async database => ({
      state: await loadStore(database, store),
      chains: await loadChains(database, { store, held: undefined }),
    }))
  }

  keys(store: StoreId): Promise<readonly PublicKey[]> {
    return this.#reading(async database => (await loadStore(database, store)).keys ?? [])
  }

  trustKey(store: StoreId, publicKey: PublicKey): Promise<void> {
    return this.#writing(async () => {
      const state = withKey(await loadStore(this.#database, store), publicKey)
      await this.#database.batch([storeStore(store, state)], { sync: true })
    })
  }

  outbox(limit: number): Promise<readonly LedgerRow[]> {
    return this.#reading(async database => {
      const { fannedOut, last } = this.#counters
      const kinds = ['event', 'conflict']
      const rows = await readRows(database, { after: fannedOut, limit, kinds })
      // Rows that nobody publishes need not be walked over again.
      const next = rows[0]?.position ?? last + 1
      if (limit > 0) this.#counters = { ...this.#counters, fannedOut: next - 1 }
      return rows
    })
  }

  fannedOut(position: number, refused: readonly number[] = []): Promise<void> {
    return this.#writing(async () => {
      const { last, fannedOut: before } = this.#counters
      const fannedOut = Math.max(before, Math.min(position, last))
      const mark = { first: before + 1, last: fannedOut, atMs: this.#clock.wallMs(), refused }
      // Not synced: after a power cut some events are published once more.
      await this.#database.batch([...(await markFannedOut(this.#database, mark))], { sync: false })
      this.#counters = { ...this.#counters, fannedOut }
    })
  }

  shelf(after: number, limit: number): Promise<readonly LedgerRow[]> {
    return this.#reading(database => readShelf(database, { after, limit }))
  }

  unshelve(position: number): Promise<void> {
    return this.#writing(async () => {
      const row = { position, atMs: this.#clock.wallMs() }
      await this.#database.batch([...(await unshelve(this.#database, row))], { sync: false })
    })
  }

  publication(position: number): Promise<Publication> {
    return this.#reading(database =>
      readPublication(database, { position, fannedOut: this.#counters.fannedOut }),
    )
  }

  async documents(name: string): Promise<readonly DocumentState[]> {
    const states = new DocumentStates(name)
    await this.#look('documents', row => states.add(row))
    return states.all
  }

  async versions(): Promise<readonly VersionState[]> {
    const states = new VersionStates()
    await this.#look('versions', row => states.add(row))
    return states.all
  }

  stores(): Promise<readonly StoreId[]> {
    return this.#reading(readStores)
  }

  async lead(): Promise<Leadership | undefined> {
    return this.#leadership.take()
  }

  onCommitted(listener: () => void): () => void {
    return this.#committed.listen(listener)
  }

  beginBackup(): Promise<BackupPoint> {
    return this.#writing(async () => {
      const points = await loadBackups(this.#database)
      const begun = nextPoint(points, this.#now())
      await this.#database.batch([storeBackups([...points, begun])], { sync: true })
      return begun
    })
  }

  endBackup(id: number, keep: number): Promise<readonly BackupPoint[]> {
    return this.#writing(async () => {
      const points = await loadBackups(this.#database)
      const left = finishPoint(points, { id, keep, done: this.#now() })
      await this.#database.batch([storeBackups(left)], { sync: true })
      return left
    })
  }

  backups(): Promise<readonly BackupPoint[]> {
    return this.#reading(loadBackups)
  }

  close(): Promise<void> {
    this.#isClosed = true
    return this.#queue.run(() => this.#database.close())
  }

  async #commit(batch: Batch): Promise<CommitResult> {
    const { last } = this.#counters
    const recordedMs = this.#clock.wallMs()
    const plan = await planCommit(levelMemory(this.#database), batch)
    const { header } = batch
    const operations = operationsOf({ plan, header, position: last + 1, recordedMs })
    if (operations.length > 0) await this.#database.batch([...operations], { sync: true })
    this.#counters = { ...this.#counters, last: last + plan.rows.length }
    this.#committed.ring()
    return plan.result
  }

  #now(): string {
    return rfc3339(this.#clock.wallMs(), 'UTC')
  }

  async #look(subject: 'documents' | 'versions', see: (row: LedgerRow) => void): Promise<void> {
    for (let after = 0; ; ) {
      const page = { subject, after, limit: PAGE_ROWS }
      const rows = await this.#reading(database => readAbout(database, page))
      for (const row of rows) see(row)
      const last = rows.at(-1)
      if (last === undefined) return
      after = last.position
    }
  }

  #reading<Value>(read: (database: Database) => Promise<Value>): Promise<Value> {
    return this.#queue.run(async () => {
      try {
        return await read(this.#database)
      } catch (thrown) {
        throw ledgerFailure('TB_LEDGER_UNREADABLE', thrown)
      }
    })
  }

  async #writing<Value>(write: () => Promise<Value>): Promise<Value> {
    // It would be taken for a failed write, after which the database is opened anew.
    if (this.#isClosed) throw new TillbridgeError('TB_LEDGER_WRITE', 'the ledger is closed')
    return this.#queue.run(async () => {
      try {
        if (this.#isWounded) await this.#reopen()
        return await write()
      } catch (thrown) {
        this.#isWounded ||= !(thrown instanceof TillbridgeError)
        throw ledgerFailure('TB_LEDGER_WRITE', thrown)
      }
    })
  }

  /** A failed write that survived is seen here; sent again, its records are `repeated` then. */
  async #reopen(): Promise<void> {
    await this.#database.close()
    await this.#database.open()
    this.#counters = await readCounters(this.#database)
    this.#isWounded = false
  }
}

function ledgerFailure(code: ErrorCode, thrown: unknown): TillbridgeError {
  if (thrown instanceof TillbridgeError) return thrown
  return new TillbridgeError(code, messageOf(thrown), { cause: thrown })
}

async function readCounters(database: Database): Promise<Counters> {
  return { last: await lastPosition(database), fannedOut: await readFannedOut(database) }
}
