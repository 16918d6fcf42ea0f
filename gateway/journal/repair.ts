import { open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { repairDatabase } from '../core/database.js'
import { systemCodeOf } from '../core/errors.js'
import { mendedLog } from './level-log.js'
import { mendedTable } from './level-table.js'
import { manifestNamedBy, tablesOf } from './manifest.js'

/**
 * LevelDB's repair of a folder of second names. LevelDB aborts its process, or takes flipped bytes
 * for true, where logs and tables are not as it wrote them: such are replaced by what is left of
 * them before.
 */
export async function repairFolder(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const mend = name.endsWith('.log') ? mendedLog : TABLE.test(name) ? mendedTable : undefined
    const path = join(folder, name)
    const mended = mend?.(await readDamaged(path))
    if (mended === undefined) continue
    // In a file of its own: the old one has other names.
    await rm(path)
    if (mended.length > 0) await writeFile(path, mended)
  }
  await repairDatabase(folder)
}

/** The first table of a closed database that is not as LevelDB wrote it, if there is one. */
export async function damagedTable(folder: string): Promise<string | undefined> {
  const names = await readdir(folder)
  const current = await readDamaged(join(folder, 'CURRENT'))
  const manifest = manifestNamedBy(Buffer.from(current).toString('latin1'))
  // LevelDB opens no such folder, and reads none of its tables.
  if (manifest === undefined || !names.includes(manifest)) return undefined
  const known = tablesOf(await readDamaged(join(folder, manifest)))
  for (const name of names) {
    // What LevelDB does not know of may be a table that it never finished.
    if (!TABLE.test(name) || !known.has(Number.parseInt(name, 10))) continue
    if (mendedTable(await readDamaged(join(folder, name))) !== undefined) return name
  }
  return undefined
}

const TABLE = /\.(ldb|sst)$/
const PIECE_BYTES = 4096

/** A file of which the disk may not give all: what it does not give is zero. */
async function readDamaged(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (thrown) {
    if (systemCodeOf(thrown) !== 'EIO') throw thrown
  }
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const bytes = Buffer.alloc(size)
    for (let at = 0; at < size; at += PIECE_BYTES)
      await file.read(bytes, at, Math.min(PIECE_BYTES, size - at), at).catch(thrown => {
        if (systemCodeOf(thrown) !== 'EIO') throw thrown
      })
    return bytes
  } finally {
    await file.close()
  }
}
