import { execFile } from 'node:child_process'
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { linkFolder } from './journal-folder.js'
import { mendedLog } from './level-log.js'

const PROGRAM = fileURLToPath(new URL('./repair-program.js', import.meta.url))

/**
 * LevelDB's repair of a folder of second names: logs that would break it are mended before. LevelDB
 * aborts its process where keys of a table are out of order or too short (table/table_builder.cc,
 * db/dbformat.h), so it works in one of its own, and tables that abort that are left out.
 */
export async function repairFolder(folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (name.endsWith('.log')) await mend(folder, name)
  if (!(await aborts(folder))) return
  const tables = (await readdir(folder)).filter(name => /\.(ldb|sst)$/.test(name))
  // None where it aborted at the end of one: that is in the folder `lost` by then.
  for (const table of await abortingOf(folder, tables)) await rm(join(folder, table))
  if (await aborts(folder)) throw new Error('LevelDB aborts, but on no table by itself')
}

/** In a file of its own: the old one has other names. */
async function mend(folder: string, name: string): Promise<void> {
  const path = join(folder, name)
  const mended = mendedLog(await readFile(path))
  if (mended === undefined) return
  await writeFile(`${path}.mended`, mended)
  await rename(`${path}.mended`, path)
}

/** Which of some tables abort the repair, by halves: with one among a thousand it runs 20 times. */
async function abortingOf(folder: string, tables: readonly string[]): Promise<readonly string[]> {
  const trial = join(folder, 'trial')
  await linkFolder(folder, trial, name => tables.includes(name))
  const isAborted = await aborts(trial)
  await rm(trial, { recursive: true })
  if (!isAborted || tables.length < 2) return isAborted ? tables : []
  const half = Math.ceil(tables.length / 2)
  const first = await abortingOf(folder, tables.slice(0, half))
  return [...first, ...(await abortingOf(folder, tables.slice(half)))]
}

/** SIGBUS: the disk does not give what LevelDB has mapped into memory. */
const ABORTED: readonly unknown[] = ['SIGABRT', 'SIGSEGV', 'SIGBUS']

/**
 * Repairs, or opens and reads where the path of the mark is given; whether LevelDB aborted that.
 * @throws Error where it says what is wrong.
 */
export function aborts(folder: string, ...mark: readonly string[]): Promise<boolean> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [PROGRAM, folder, ...mark], (failure, _, said) => {
      if (failure === null) resolve(false)
      else if (ABORTED.includes(failure.signal)) resolve(true)
      else reject(new Error(said || failure.message, { cause: failure }))
    })
  })
}
