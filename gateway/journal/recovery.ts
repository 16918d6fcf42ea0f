import { join } from 'node:path'
import { type Database, openDatabase } from '../core/database.js'
import { examine, holdsOurs } from './examine.js'
import { isDamage, writeFailure } from './failure.js'
import { checkFormat } from './format.js'
import type { EpochGap } from './gap.js'
import { type HighWaterMark, readMark } from './high-water-mark.js'
import { annotate, discard, type JournalPaths, linkFolder, move } from './journal-folder.js'
import { openFailure } from './open-database.js'
import { rebuild } from './rebuild.js'
import type { Conclusion } from './reckoning.js'
import { repairFolder } from './repair.js'

/** What a recovery found and did. */
export interface Recovery {
  /** What it is made of: what was left of the journal's files, or the second copy. */
  readonly source: 'files' | 'copy'
  readonly cause: string
  /** The damaged files, under the data directory; nothing where there were none. */
  readonly folder: string | undefined
  /** Sound records that the journal holds again. */
  readonly records: number
  /** What is lost, and named with the first record of the next epoch. */
  readonly gaps: readonly EpochGap[]
  /** What is lost of a journal whose epochs have no place beside these: it is to be named. */
  readonly strangers: readonly EpochGap[]
}

/** What a second copy of the journal does for one that is opened. Neither call rejects. */
export interface SecondCopy {
  /** Adds what only the copy has. Gives a cause where that takes restoring as a whole. */
  advance(database: Database): Promise<string | undefined>
  /** Makes a journal of the copy in a folder of its own, where there is a copy. */
  restore(directory: string): Promise<Restored | undefined>
}

export interface Restored {
  /** Where it is whole; else they are counted when the journal is rebuilt. */
  readonly records: number
  /** All of it is there, and its chain verifies. */
  readonly isWhole: boolean
}

const CAUSE_CHARACTERS = 120

/**
 * Makes a sound journal of a folder in quarantine, which is only read, or of nothing but the mark
 * where there is no such folder. Interrupted anywhere it can be begun anew.
 * @throws TillbridgeError TB_JOURNAL_WRITE where the disk refuses; TB_JOURNAL_FORMAT and
 * TB_JOURNAL_UNREADABLE where the folder is not ours to recover: then it is the journal again.
 */
export async function recover(options: {
  readonly paths: JournalPaths
  /** The folder's name in quarantine. */
  readonly name: string | undefined
  readonly cause: string
  readonly mark: HighWaterMark | undefined
  readonly wallMs: number
}): Promise<Recovery> {
  const { paths, name, cause, wallMs } = options
  if (name === undefined) {
    const { mark } = options
    const made = await build({ paths, source: undefined, mark, cause: describe(cause) })
    return { source: 'files', cause, folder: undefined, ...made }
  }
  const quarantined = join(paths.quarantine, name)
  const folder = `quarantine/${name}`
  const at = new Date(wallMs).toISOString()
  const mark = options.mark ?? (await readMark(join(quarantined, 'journal.mark')))
  const source = await openRepaired(paths, quarantined)
  try {
    await refuseForeign({ paths, source, mark, quarantined })
    await annotate(paths, quarantined, { at, cause })
    const made = await build({ paths, source, mark, cause: describe(cause, folder) })
    const { records, gaps, strangers } = made
    await annotate(paths, quarantined, {
      at,
      cause,
      recovered: { records, lost: [...gaps, ...strangers] },
    })
    return { source: 'files', cause, folder, records, gaps, strangers }
  } finally {
    await source.close()
    await discard(paths.repaired, paths)
  }
}

/**
 * The second copy as the journal. Nothing where there is none, or where it is damaged or does not
 * go as far as the mark while there are files of the journal's own, which may hold more.
 */
export async function recoverFromCopy(options: {
  readonly paths: JournalPaths
  readonly copy: SecondCopy
  readonly name: string | undefined
  readonly cause: string
  readonly mark: HighWaterMark | undefined
}): Promise<Recovery | undefined> {
  const { paths, copy, name, cause, mark } = options
  const restored = await copy.restore(paths.repaired)
  if (restored === undefined) return undefined
  const opened = await openDatabase(paths.repaired)
  if (!opened.ok) throw openFailure(opened.error)
  const database = opened.value
  try {
    const { records, isWhole } = restored
    if (isWhole && (await examine(database, mark)) === undefined) {
      await database.close()
      await move(paths.repaired, paths.journal, paths)
      const folder = name === undefined ? undefined : `quarantine/${name}`
      return { source: 'copy', cause, folder, records, gaps: [], strangers: [] }
    }
    if (name !== undefined) return undefined
    const made = await build({ paths, source: database, mark, cause: describe(cause) })
    return { source: 'copy', cause, folder: undefined, ...made }
  } finally {
    await database.close()
    await discard(paths.repaired, paths)
  }
}

function describe(cause: string, folder?: string): string {
  const said = cause.slice(0, CAUSE_CHARACTERS)
  return folder === undefined ? said : `${said}; files in ${folder}`
}

/** LevelDB's repair at work on second names of the files: those in quarantine stay as they are. */
async function openRepaired(paths: JournalPaths, quarantined: string): Promise<Database> {
  await linkFolder(quarantined, paths.repaired)
  await repairFolder(paths.repaired).catch(thrown => {
    throw writeFailure(thrown)
  })
  const opened = await openDatabase(paths.repaired)
  if (opened.ok) return opened.value
  throw openFailure(opened.error)
}

async function refuseForeign(found: {
  readonly paths: JournalPaths
  readonly source: Database
  readonly mark: HighWaterMark | undefined
  readonly quarantined: string
}): Promise<void> {
  const { paths, source, mark, quarantined } = found
  try {
    await checkFormat(source)
  } catch (thrown) {
    // Only its mark is lost where the rest is ours.
    if (isDamage(thrown) && (mark !== undefined || (await holdsOurs(source)))) return
    await source.close()
    await move(quarantined, paths.journal, paths)
    throw thrown
  }
}

/** The new journal under its name; the repaired one where there is no room for a new one. */
async function build(options: {
  readonly paths: JournalPaths
  readonly source: Database | undefined
  readonly mark: HighWaterMark | undefined
  readonly cause: string
}): Promise<Conclusion> {
  const { paths, source } = options
  try {
    const made = await buildNew(options)
    await move(paths.rebuilt, paths.journal, paths)
    return made
  } catch (thrown) {
    if (source === undefined || isDamage(thrown)) throw thrown
    await discard(paths.rebuilt, paths)
    const made = await rebuild({ ...options, source, target: source })
    await source.close()
    await move(paths.repaired, paths.journal, paths)
    return made
  }
}

async function buildNew(options: {
  readonly paths: JournalPaths
  readonly source: Database | undefined
  readonly mark: HighWaterMark | undefined
  readonly cause: string
}): Promise<Conclusion> {
  await discard(options.paths.rebuilt, options.paths)
  const opened = await openDatabase(options.paths.rebuilt)
  if (!opened.ok) throw openFailure(opened.error)
  try {
    return await rebuild({ ...options, target: opened.value })
  } finally {
    await opened.value.close()
  }
}
