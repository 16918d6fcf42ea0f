import { mkdir } from 'node:fs/promises'
import { Level } from 'level'
import type { Database } from '../../gateway/core/database.js'

/** The least that LevelDB accepts. */
const WRITE_BUFFER_BYTES = 64 * 1024

/**
 * A database as the gateway opens it, but for its write buffer: at 64 KiB instead of 4 MiB LevelDB
 * changes its log and compacts every hundred sales, so that kills and power cuts meet it there.
 */
export async function openSmallDatabase(directory: string): Promise<Database> {
  await mkdir(directory, { recursive: true })
  const database = new Level<Uint8Array, Uint8Array>(directory, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    maxOpenFiles: 74,
    maxFileSize: 1024 * 1024,
    writeBufferSize: WRITE_BUFFER_BYTES,
  })
  await database.open()
  return database
}

/** A database that answers before the disk does: what a journal must never stand on. */
export function unsynced(database: Database): Database {
  return {
    open: () => database.open(),
    close: () => database.close(),
    get: key => database.get(key),
    getMany: keys => database.getMany(keys),
    batch: operations => database.batch(operations, { sync: false }),
    iterator: range => database.iterator(range),
    compactRange: async (start, end) => database.compactRange?.(start, end),
  }
}

/** LevelDB's own repair: rebuilds its files from what can be read of tables and logs. */
export async function repairDatabase(directory: string): Promise<void> {
  // Its types leave out what browsers do not have.
  const repair: unknown = Reflect.get(Level, 'repair')
  if (typeof repair !== 'function') throw new Error('this LevelDB cannot repair')
  await repair.call(Level, directory)
}
