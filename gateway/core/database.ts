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
  readonly reason: 'locked' | 'forbidden' | 'unreadable'
  readonly message: string
}

/**
 * What this process has open, by real path. LevelDB's own check costs the lock: it closes the file
 * LOCK again, and POSIX drops all of a process's locks on a file when it closes any handle of it.
 */
const openedHere = new Map<string, Level<Uint8Array, Uint8Array>>()

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
  })
  openedHere.set(path, database)
  try {
    await database.open()
    return ok(database)
  } catch (thrown) {
    const cause = thrown instanceof Error ? (thrown.cause ?? thrown) : thrown
    const reason = systemCodeOf(cause) === 'LEVEL_LOCKED' ? 'locked' : 'unreadable'
    return fail({ reason, message: `${directory}: ${messageOf(cause)}` })
  }
}

/** The real path of a directory that is fit to be opened. */
async function findDirectory(directory: string): Promise<Result<string, OpenFailure>> {
  try {
    await mkdir(directory, { recursive: true })
    const names = await readdir(directory)
    const holdsData = names.some(name => /\.(ldb|sst)$|^MANIFEST-/.test(name))
    // LevelDB takes such a folder for a new one and deletes every table in it.
    if (holdsData && !names.includes('CURRENT'))
      return fail({ reason: 'unreadable', message: 'there are tables but no file CURRENT' })
    await access(directory, constants.W_OK)
    return ok(await realpath(directory))
  } catch (thrown) {
    const isForbidden = ['EACCES', 'EPERM', 'EROFS'].includes(systemCodeOf(thrown) ?? '')
    return fail({ reason: isForbidden ? 'forbidden' : 'unreadable', message: messageOf(thrown) })
  }
}
