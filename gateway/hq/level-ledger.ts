import { type Clock, rfc3339 } from '../core/clock.js'
import { type Database, openDatabase } from '../core/database.js'
import { type ErrorCode, messageOf, TillbridgeError } from '../core/errors.js'
import { type EpochId, newLedgerId, type StoreId } from '../core/ids.js'
import type { Random } from '../core/random.js'
import { seal, unseal } from '../core/sealed.js'
import { SerialQueue } from '../core/serial-queue.js'
import type { Batch } from '../wire/batch.js'
import {
  decodeLedgerGeneration,
  encodeLedgerGeneration,
  type LedgerGeneration,
} from '../wire/hello.js'
import { type EpochReceipt, makeEpochReceipt } from '../wire/receipt.js'
import { coverage } from './chain-state.js'
import { loadChains } from './chain-store.js'
import { planCommit } from './commit-plan.js'
import type { CommitResult, Ledger, LedgerRow } from './ledger.js'
import {
  FANNED_OUT_KEY,
  FORMAT_KEY,
  GENERATION_KEY,
  numberBytes,
  positionOfRowKey,
  ROWS_END,
  readNumber,
  rowKey,
} from './ledger-keys.js'
import { parseRow } from './ledger-row.js'
import { levelMemory, operationsOf } from './level-commit.js'

/** Version of the layout in ledger-keys.ts. */
const FORMAT = '1'

export interface LevelLedgerOptions {
  /** Open; the ledger takes it over and closes it, also where opening the ledger fails. */
  readonly database: Database
  readonly clock: Clock
  readonly random: Random
}

const OPEN_FAILURES = {
  locked: 'TB_LEDGER_LOCKED',
  forbidden: 'TB_DATA_FORBIDDEN',
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
    return new LevelLedger({ ...options, generation, counters: await readCounters(database) })
  } catch (thrown) {
    await database.close()
    throw thrown
  }
}

interface Counters {
  /** Position of the newest row; 0 where there is none. */
  readonly last: number
  /** Rows up to this one are published, or need not be. */
  readonly fannedOut: number
}

/** One commit at a time: positions are in the order of commits, and none appears behind another. */
class LevelLedger implements Ledger {
  readonly generation: LedgerGeneration
  readonly #database: Database
  readonly #clock: Clock
  readonly #queue = new SerialQueue()
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
    this.generation = options.generation
    this.#database = options.database
    this.#clock = options.clock
    this.#counters = options.counters
  }

  commit(batch: Batch): Promise<CommitResult> {
    return this.#writing(() => this.#commit(batch))
  }

  receipt(store: StoreId, held?: ReadonlySet<EpochId>): Promise<readonly EpochReceipt[]> {
    return this.#reading(async database => {
      const chains = await loadChains(database, { store, held })
      // An epoch may be known only from the one after it: of that one nothing ever came.
      return chains
        .filter(({ segments }) => segments.length > 0)
        .map(chain => makeEpochReceipt(chain.epoch, coverage(chain)))
    })
  }

  rows(after: number, limit: number): Promise<readonly LedgerRow[]> {
    return this.#reading(database => readRows(database, { after, limit }))
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

  fannedOut(position: number): Promise<void> {
    return this.#writing(async () => {
      const { last, fannedOut: before } = this.#counters
      const fannedOut = Math.max(before, Math.min(position, last))
      const value = numberBytes(fannedOut)
      // Not synced: after a power cut some events are published once more.
      await this.#database.batch([{ type: 'put', key: FANNED_OUT_KEY, value }], { sync: false })
      this.#counters = { ...this.#counters, fannedOut }
    })
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
    return plan.result
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

async function readRows(
  database: Database,
  options: { readonly after: number; readonly limit: number; readonly kinds?: readonly string[] },
): Promise<readonly LedgerRow[]> {
  const { after, limit, kinds } = options
  const rows: LedgerRow[] = []
  if (limit <= 0) return rows
  for await (const [key, value] of database.iterator({ gt: rowKey(after), lt: ROWS_END })) {
    const row = parseRow(positionOfRowKey(key), value)
    if (kinds?.includes(row.kind) === false) continue
    rows.push(row)
    if (rows.length === limit) break
  }
  return rows
}

async function readCounters(database: Database): Promise<Counters> {
  const fannedOut = await database.get(FANNED_OUT_KEY)
  let last = 0
  const newest = { gt: rowKey(0), lt: ROWS_END, reverse: true, limit: 1 }
  for await (const [key] of database.iterator(newest)) last = positionOfRowKey(key)
  return { last, fannedOut: fannedOut === undefined ? 0 : readNumber(fannedOut) }
}

/** The ledger's name, made where the database is new. */
async function readGeneration(options: LevelLedgerOptions): Promise<LedgerGeneration> {
  const { database, clock, random } = options
  const format = await database.get(FORMAT_KEY)
  if (format === undefined) {
    for await (const _ of database.iterator({ limit: 1 }))
      throw new TillbridgeError('TB_LEDGER_UNREADABLE', 'the database is not a ledger')
    const generation = { ledger: newLedgerId(random), since: rfc3339(clock.wallMs(), 'UTC') }
    const value = seal(Buffer.from(encodeLedgerGeneration(generation)))
    await database.batch(
      [
        { type: 'put', key: FORMAT_KEY, value: Buffer.from(FORMAT) },
        { type: 'put', key: GENERATION_KEY, value },
      ],
      { sync: true },
    )
    return generation
  }
  if (Buffer.from(format).toString('utf8') !== FORMAT)
    throw new TillbridgeError('TB_LEDGER_UNREADABLE', 'another version of tillbridge wrote it')
  const sealed = await database.get(GENERATION_KEY)
  const stored = decodeLedgerGeneration((sealed && unseal(sealed)) ?? Buffer.from(''))
  if (stored.ok) return stored.value
  throw new TillbridgeError('TB_LEDGER_UNREADABLE', "the ledger's generation is damaged")
}
