import type { FileHandle } from 'node:fs/promises'
import { mkdir, rm } from 'node:fs/promises'
import type { Clock } from '../core/clock.js'
import {
  type Database,
  isForWantOfRoom,
  type KeyRange,
  type Operation,
  openDatabase,
} from '../core/database.js'
import { syncDirectory } from '../core/durable-file.js'
import { messageOf, systemCodeOf, TillbridgeError } from '../core/errors.js'
import { lockFile } from '../core/file-lock.js'
import type { Logger } from '../core/log.js'
import { examine } from './examine.js'
import { type HighWaterMark, readMark, writeMark } from './high-water-mark.js'
import {
  discard,
  hasDropped,
  type JournalPaths,
  journalPaths,
  keepTables,
  kindOfFolder,
  linkFolder,
  move,
  moveToQuarantine,
  namesIn,
  newestQuarantined,
} from './journal-folder.js'
import { openFailure } from './open-database.js'
import { type Recovery, recover, recoverFromCopy, type SecondCopy } from './recovery.js'
import { damagedTable } from './repair.js'
import { isRunNoted, noteRun } from './run-note.js'
import { lostFromLog } from './salvage.js'

/**
 * The journal's database in a data directory, with what LevelDB lacks: it holds a lock of its own,
 * proves what LevelDB opened before anything is written to it, and recovers what does not prove
 * sound, at every opening. Nothing that was there is ever deleted.
 */
export interface JournalStorage extends Database {
  readonly paths: JournalPaths
  /** A damaged record was met; the next opening looks at everything. */
  readonly isSuspect: boolean
  /** What it recovered since it was made. */
  readonly recoveries: readonly Recovery[]
  /** Keeps the files of a record that does not verify and says where, once for each opening. */
  quarantine(): Promise<string>
  /** The names of what lies in quarantine. */
  quarantined(): Promise<readonly string[]>
}

/**
 * @throws TillbridgeError TB_JOURNAL_LOCKED, TB_DATA_FORBIDDEN, TB_JOURNAL_FORMAT,
 * TB_JOURNAL_UNREADABLE (no journal of ours), TB_JOURNAL_WRITE; the directory is as it was then.
 */
export async function openJournalStorage(options: {
  readonly dataDir: string
  readonly clock: Clock
  readonly logger: Logger
  readonly copy?: SecondCopy
}): Promise<JournalStorage> {
  const storage = new LockedStorage(options)
  await storage.open()
  return storage
}

class LockedStorage implements JournalStorage {
  readonly paths: JournalPaths
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #copy: SecondCopy | undefined
  readonly #recoveries: Recovery[] = []
  #lock: FileHandle | undefined
  /** Since this computer started a process ended here without closing it: LevelDB may be why. */
  #wasAborted = false
  #database: Database | undefined
  #suspicion: string | undefined
  #kept: Promise<string> | undefined

  constructor(options: {
    readonly dataDir: string
    readonly clock: Clock
    readonly logger: Logger
    readonly copy?: SecondCopy
  }) {
    this.#copy = options.copy
    this.paths = journalPaths(options.dataDir)
    this.#clock = options.clock
    this.#logger = options.logger
  }

  get isSuspect(): boolean {
    return this.#suspicion !== undefined
  }

  get recoveries(): readonly Recovery[] {
    return this.#recoveries
  }

  async quarantined(): Promise<readonly string[]> {
    return [...((await namesIn(this.paths.quarantine)) ?? [])].sort()
  }

  quarantine(): Promise<string> {
    this.#suspicion ??= 'a damaged record was met while it ran'
    this.#kept ??= keepTables(this.paths, this.#clock.wallMs()).then(name => `quarantine/${name}`)
    return this.#kept
  }

  async open(): Promise<void> {
    const lock = await this.#takeLock()
    try {
      this.#wasAborted ||= await isRunNoted(lock)
      await noteRun(lock, true)
      this.#database = await this.#openSound()
      this.#wasAborted = false
      this.#suspicion = undefined
      this.#kept = undefined
    } catch (thrown) {
      await this.#releaseLock()
      throw storageFailure(thrown, this.paths.dataDir)
    }
  }

  async close(): Promise<void> {
    await this.#database?.close()
    await this.#releaseLock()
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#watching(database => database.get(key))
  }

  getMany(keys: Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return this.#watching(database => database.getMany(keys))
  }

  async *iterator(range: KeyRange): AsyncGenerator<[Uint8Array, Uint8Array]> {
    try {
      yield* this.#opened().iterator(range)
    } catch (thrown) {
      this.#suspect(thrown)
      throw thrown
    }
  }

  /** Also fails where LevelDB met a bad block while it compacted, as it would again and again. */
  batch(operations: Operation[], options: { readonly sync: boolean }): Promise<void> {
    return this.#watching(database => database.batch(operations, options))
  }

  async compactRange(start: Uint8Array, end: Uint8Array): Promise<void> {
    await this.#opened().compactRange?.(start, end)
  }

  async #watching<Value>(work: (database: Database) => Promise<Value>): Promise<Value> {
    try {
      return await work(this.#opened())
    } catch (thrown) {
      this.#suspect(thrown)
      throw thrown
    }
  }

  #suspect(thrown: unknown): void {
    const message = messageOf(thrown)
    const isDamaged = ['LEVEL_CORRUPTION', 'LEVEL_IO_ERROR'].includes(systemCodeOf(thrown) ?? '')
    if (isDamaged && !isForWantOfRoom(message)) this.#suspicion ??= message
  }

  #opened(): Database {
    if (this.#database === undefined) throw new Error('the journal was never opened')
    return this.#database
  }

  async #takeLock(): Promise<FileHandle> {
    const { dataDir, lock } = this.paths
    try {
      await mkdir(dataDir, { recursive: true })
      this.#lock ??= await lockFile(lock)
    } catch (thrown) {
      throw storageFailure(thrown, dataDir)
    }
    if (this.#lock === undefined)
      throw new TillbridgeError('TB_JOURNAL_LOCKED', `${dataDir}: another process is at work here`)
    return this.#lock
  }

  async #releaseLock(): Promise<void> {
    if (this.#lock !== undefined && !this.#wasAborted) await noteRun(this.#lock, false)
    await this.#lock?.close()
    this.#lock = undefined
  }

  async #openSound(): Promise<Database> {
    const { paths } = this
    await settle(paths)
    const mark = await readMark(paths.mark)
    const names = (await namesIn(paths.journal)) ?? []
    const kind = kindOfFolder(names)
    if (kind === 'headless')
      return this.#recover({
        from: paths.journal,
        cause: 'there are files of a journal but no CURRENT',
        mark,
      })
    const kept = await newestQuarantined(paths)
    if (kind === 'empty' && kept !== undefined)
      return this.#recover({ kept, cause: 'there is no journal but in quarantine', mark })
    const damaged =
      this.#wasAborted && kind === 'database' ? await damagedTable(paths.journal) : undefined
    if (damaged !== undefined)
      return this.#recover({ from: paths.journal, cause: `table ${damaged} is damaged`, mark })
    await mkdir(paths.journal, { recursive: true })
    await linkFolder(paths.journal, paths.image)
    return this.#openProven({ mark, tables: names.filter(isTable) })
  }

  /** LevelDB may delete files when it opens a folder; the image has them until all is well. */
  async #openProven(found: {
    readonly mark: HighWaterMark | undefined
    readonly tables: readonly string[]
  }): Promise<Database> {
    const { paths } = this
    const { mark } = found
    const opened = await openDatabase(paths.journal)
    if (!opened.ok && opened.error.reason === 'unreadable')
      return this.#recoverImage(opened.error.message, mark)
    if (!opened.ok) {
      await discard(paths.image, paths)
      throw openFailure(opened.error)
    }
    const database = opened.value
    const wrong = await this.#whatIsWrong(database, found).catch(async thrown => {
      await database.close()
      await putBack(paths)
      throw thrown
    })
    if (wrong === undefined) {
      // LevelDB itself never syncs its folder after it named its new files in CURRENT.
      await syncDirectory(paths.journal)
      await discard(paths.image, paths)
      return database
    }
    await database.close()
    return this.#recoverImage(wrong, mark)
  }

  async #whatIsWrong(
    database: Database,
    found: { readonly mark: HighWaterMark | undefined; readonly tables: readonly string[] },
  ): Promise<string | undefined> {
    const { paths } = this
    const { mark, tables } = found
    const wrong = await examine(database, mark)
    if (wrong !== undefined) return wrong
    if (this.#suspicion !== undefined) return this.#suspicion
    if (mark?.suspect === true) return 'a damaged record was met when it ran last'
    // Without a mark nothing else shows that LevelDB's list of its tables was cut short.
    const left = (await namesIn(paths.journal)) ?? []
    if (mark === undefined && tables.some(name => !left.includes(name)))
      return 'LevelDB no longer knew of some of its tables'
    const lost = (await hasDropped(paths.journal)) ? await lostFromLog(paths, database) : undefined
    return lost ?? this.#copy?.advance(database)
  }

  /** What LevelDB made of the folder goes; what was there before is the journal to recover. */
  async #recoverImage(cause: string, mark: HighWaterMark | undefined): Promise<Database> {
    const { image } = this.paths
    const isNothing = kindOfFolder((await namesIn(image)) ?? []) === 'empty'
    if (isNothing) await discard(image, this.paths)
    return this.#recover({ ...(isNothing ? {} : { from: image }), cause, mark })
  }

  async #recover(found: {
    /** The folder to be put in quarantine, or the name there of the one that is. */
    readonly from?: string
    readonly kept?: string
    readonly cause: string
    readonly mark: HighWaterMark | undefined
  }): Promise<Database> {
    const { paths } = this
    const { from, cause, mark } = found
    const wallMs = this.#clock.wallMs()
    this.#logger.error({ cause }, 'the journal is damaged: it is being recovered')
    // Before the image has its place in quarantine: found together, this would be taken for sound.
    if (from !== paths.journal) await discard(paths.journal, paths)
    const name = from === undefined ? found.kept : await moveToQuarantine(paths, { from, wallMs })
    const copy = this.#copy
    const copied = copy && (await recoverFromCopy({ paths, copy, name, cause, mark }))
    const recovery = copied ?? (await recover({ paths, name, cause, mark, wallMs }))
    const opened = await openDatabase(paths.journal)
    if (!opened.ok) throw openFailure(opened.error)
    const isStranger = recovery.strangers.length > 0
    const wrong = await examine(opened.value, isStranger ? undefined : mark)
    if (wrong !== undefined) {
      await opened.value.close()
      throw new TillbridgeError('TB_JOURNAL_UNREADABLE', `not sound after its recovery: ${wrong}`)
    }
    if (mark?.suspect === true) await writeMark(paths.mark, { ...mark, suspect: false })
    this.#recoveries.push(recovery)
    return opened.value
  }
}

/** Finishes or takes back what an earlier opening left half-way. */
async function settle(paths: JournalPaths): Promise<void> {
  await rm(`${paths.image}.new`, { recursive: true, force: true })
  await rm(`${paths.repaired}.new`, { recursive: true, force: true })
  for (const path of [paths.discarded, paths.repaired, paths.rebuilt])
    await rm(path, { recursive: true, force: true })
  // Nobody has proved what LevelDB made of these files, nor written to it.
  if ((await namesIn(paths.image)) !== undefined) await putBack(paths)
}

/** The folder as it was before LevelDB opened it. */
async function putBack(paths: JournalPaths): Promise<void> {
  await discard(paths.journal, paths)
  await move(paths.image, paths.journal, paths)
}

function isTable(name: string): boolean {
  return /\.(ldb|sst)$/.test(name)
}

function storageFailure(thrown: unknown, dataDir: string): Error {
  if (thrown instanceof TillbridgeError || thrown instanceof TypeError) return thrown
  const isForbidden = ['EACCES', 'EPERM', 'EROFS'].includes(systemCodeOf(thrown) ?? '')
  const code = isForbidden ? 'TB_DATA_FORBIDDEN' : 'TB_JOURNAL_WRITE'
  return new TillbridgeError(code, `${dataDir}: ${messageOf(thrown)}`, { cause: thrown })
}
