import { readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { repairDatabase } from '../core/database.js'
import { mendedLog } from './level-log.js'

/** LevelDB's repair of a folder of second names: logs that would break it are mended before. */
export async function repairFolder(folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (name.endsWith('.log')) await mend(folder, name)
  await repairDatabase(folder)
}

/** In a file of its own: the old one has other names. */
async function mend(folder: string, name: string): Promise<void> {
  const path = join(folder, name)
  const mended = mendedLog(await readFile(path))
  if (mended === undefined) return
  await writeFile(`${path}.mended`, mended)
  await rename(`${path}.mended`, path)
}
