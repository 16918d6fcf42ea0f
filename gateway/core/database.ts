import { readdir } from 'node:fs/promises'
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
  readonly reason: 'locked' | 'unreadable'
  readonly message: string
}

/** Opens the LevelDB database of a directory, made where there is none. */
export async function openDatabase(directory: string): Promise<Result<Database, OpenFailure>> {
  const lost = await lacksCurrent(directory)
  if (lost.ok && lost.value)
    return fail({ reason: 'unreadable', message: `${directory} has tables but no file CURRENT` })
  if (!lost.ok) return fail({ reason: 'unreadable', message: lost.error })
  const database = new Level<Uint8Array, Uint8Array>(directory, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    // LevelDB maps every open table into memory; 64 tables is the least that it accepts.
    maxOpenFiles: 74,
  })
  try {
    await database.open()
    return ok(database)
  } catch (thrown) {
    const cause = thrown instanceof Error ? (thrown.cause ?? thrown) : thrown
    const reason = systemCodeOf(cause) === 'LEVEL_LOCKED' ? 'locked' : 'unreadable'
    return fail({ reason, message: `${directory}: ${messageOf(cause)}` })
  }
}

/** LevelDB takes such a folder for a new one and deletes every table in it. */
async function lacksCurrent(directory: string): Promise<Result<boolean, string>> {
  try {
    const names = await readdir(directory)
    const holdsData = names.some(name => /\.(ldb|sst)$|^MANIFEST-/.test(name))
    return ok(holdsData && !names.includes('CURRENT'))
  } catch (thrown) {
    return systemCodeOf(thrown) === 'ENOENT' ? ok(false) : fail(messageOf(thrown))
  }
}
