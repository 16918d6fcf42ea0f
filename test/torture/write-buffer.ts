import { Level } from 'level'
import type { Database } from '../../gateway/core/database.js'

/** The least that LevelDB accepts. */
const LEAST_BYTES = 64 * 1024

/**
 * From now on databases of this process get a write buffer of 64 KiB instead of 4 MiB: LevelDB then
 * changes its log and compacts every hundred sales, so that kills and power cuts meet it there.
 */
export function shrinkWriteBuffers(): void {
  const open: unknown = Reflect.get(Level.prototype, '_open')
  if (typeof open !== 'function') throw new Error('this LevelDB opens in another way')
  const openSmall = function (this: object, options: object): unknown {
    return open.call(this, { ...options, writeBufferSize: LEAST_BYTES })
  }
  Reflect.set(Level.prototype, '_open', openSmall)
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
