import { access, constants, mkdir, readdir, realpath } from 'node:fs/promises'
import { Level } from 'level'
import { messageOf, systemCodeOf } from './errors.js'
import { fail, ok, type Result } from './result.js'

export type Operation =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array }

export interface KeyRange {
  readonly gte?: Uint8Array
  readonly gt?: Uint8Array
  readonly lt?: Uint8Array
  readonly lte?: Uint8Array
  readonly reverse?: boolean
  readonly limit?: number
}

/**
 * The part of abstract-level that journal and ledger stand on, with binary keys and values:
 * LevelDB, or a simulation's faulty disk. `open` after `close` must work on the same object.
 */
export interface Database {
  open(): Promise<void>
  close(): Promise<void>
  get(key: Uint8Array): Promise<Uint8Array | undefined>
  getMany(keys: Uint8Array[]): Promise<(Uint8Array | undefined)[]>
  /** All operations or none. With `sync` it resolves after the disk's own word (fdatasync). */
  batch(operations: Operation[], options: { readonly sync: boolean }): Promise<void>
  iterator(range: KeyRange): AsyncIterable<[Uint8Array, Uint8Array]>
  /** Gives deleted keys' room back to the disk; LevelDB alone has it. */
  compactRange?(start: Uint8Array, end: Uint8Array): Promise<void>
}

export interface OpenFailure {
  /** `refused`: the system has no room, memory or handles for it now; the files may be well. */
  readonly reason: 'locked' | 'forbidden' | 'refused' | 'unreadable'
  readonly message: string
}

/**
 * What this process has open, by real path. LevelDB's own check costs the lock: it closes the file
 * LOCK again, and POSIX drops all of a process's locks on a file when it closes any handle of it.
 */
const openedHere = new Map<string, Level<Uint8Array, Uint8Array>>()

/** Keys looked up in the main thread at once; more go through the thread pool. */
const KEYS_AT_ONCE = 256

/**
 * LevelDB by the cheaper of its ways, for a terminal waits for each write and the look-up before
 * it. A batch is handed over operation by operation: 128 of 400 B cost the main thread 0.13 ms so,
 * and 0.9 ms as one array. A few keys are looked up in the main thread: 3 us each among 190 000
 * records, for bloom filters know most absent keys; the way through the thread pool costs 50 us
 * and as much of the main thread.
 */
class LevelDatabase implements Database {
  readonly #level: Level<Uint8Array, Uint8Array>

  constructor(level: Level<Uint8Array, Uint8Array>) {
    this.#level = level
  }

  open(): Promise<void> {
    return this.#level.open()
  }

  close(): Promise<void> {
    return this.#level.close()
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#level.getSync(key)
  }

  async getMany(keys: Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    if (keys.length > KEYS_AT_ONCE) return this.#level.getMany(keys)
    return keys.map(key => this.#level.getSync(key))
  }

  async batch(operations: Operation[], options: { readonly sync: boolean }): Promise<void> {
    const batch = this.#level.batch()
    try {
      for (const operation of operations)
        if (operation.type === 'put') batch.put(operation.key, operation.value)
        else batch.del(operation.key)
    } catch (thrown) {
      await batch.close()
      throw thrown
    }
    await batch.write(options)
  }

  iterator(range: KeyRange): AsyncIterable<[Uint8Array, Uint8Array]> {
    return this.#level.iterator(range)
  }

  async compactRange(start: Uint8Array, end: Uint8Array): Promise<void> {
    // The types speak for browsers, too, whose databases have no such method.
    const { compactRange }: Pick<Database, 'get' | 'compactRange'> = this.#level
    await compactRange?.call(this.#level, start, end)
  }
}

/** Opens the LevelDB database of a directory, made where there is none. */
export async function openDatabase(directory: string): Promise<Result<Database, OpenFailure>> {
  const found = await findDirectory(directory)
  if (!found.ok) return fail({ ...found.error, message: `${directory}: ${found.error.message}` })
  const path = found.value
  const known = openedHere.get(path)
  if (known !== undefined && known.status !== 'closed')
    return fail({ reason: 'locked', message: `${directory}: this process has it open already` })
  const database = new Level<Uint8Array, Uint8Array>(path, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    // LevelDB maps open tables into memory. 64 tables of 1 MiB are the least that it accepts: a
    // long backlog that is read once must not fill a small computer.
    maxOpenFiles: 74,
    maxFileSize: 1024 * 1024,
    // The dedupe memory's hashes are spread over all tables, so that compactions rewrite whole
    // levels: with LevelDB's own 4 MiB a card is written 7.6 bytes for each byte of an event, with
    // 16 MiB 3.7 (measured, 100 000 events); more gains little and is held in memory twice.
    writeBufferSize: 16 * 1024 * 1024,
  })
  openedHere.set(path, database)
  try {
    await database.open()
    return ok(new LevelDatabase(database))
  } catch (thrown) {
    const cause = thrown instanceof Error ? (thrown.cause ?? thrown) : thrown
    return fail({ reason: openReason(cause), message: `${directory}: ${messageOf(cause)}` })
  }
}

/**
 * LevelDB's repair of a closed database: it finds the tables and logs of a directory by itself and
 * reads what it can of them. What it has replaced it moves to the folder `lost`; no file that was
 * there is written to.
 */
export async function repairDatabase(directory: string): Promise<void> {
  const maker: {
    readonly name: string
    readonly repair?: (directory: string) => Promise<void>
  } = Level
  await maker.repair?.(directory)
}

/** LevelDB names a system error by its text alone. */
function openReason(cause: unknown): OpenFailure['reason'] {
  if (systemCodeOf(cause) === 'LEVEL_LOCKED') return 'locked'
  const message = messageOf(cause)
  if (/Permission denied|not permitted|Read-only file system/.test(message)) return 'forbidden'
  return isForWantOfRoom(message) ? 'refused' : 'unreadable'
}

/** Whether LevelDB failed for want of room, memory or handles: it says nothing of its files. */
export function isForWantOfRoom(message: string): boolean {
  return /No space left|quota exceeded|Too many open files|Cannot allocate memory/.test(message)
}

/** The real path of a directory that is fit to be opened. */
async function findDirectory(directory: string): Promise<Result<string, OpenFailure>> {
  try {
    await mkdir(directory, { recursive: true })
    const names = await readdir(directory)
    // A first opening that was cut short leaves its MANIFEST-000001 alone: nothing is lost by
    // beginning anew. Any other folder without CURRENT LevelDB would take for a new one, too, and
    // delete every table in it.
    const holdsData = names.some(name => /\.(ldb|sst|log)$|^MANIFEST-(?!000001$)/.test(name))
    if (holdsData && !names.includes('CURRENT'))
      return fail({ reason: 'unreadable', message: 'there are tables but no file CURRENT' })
    await access(directory, constants.W_OK)
    return ok(await realpath(directory))
  } catch (thrown) {
    const isForbidden = ['EACCES', 'EPERM', 'EROFS'].includes(systemCodeOf(thrown) ?? '')
    return fail({ reason: isForbidden ? 'forbidden' : 'unreadable', message: messageOf(thrown) })
  }
}
