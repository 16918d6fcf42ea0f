import {
  constants,
  copyFile,
  cp,
  link,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncDirectory, writeDurably } from '../core/durable-file.js'
import { systemCodeOf } from '../core/errors.js'

/** What stands where in a data directory. */
export interface JournalPaths {
  readonly dataDir: string
  /** LevelDB's folder, and the mark beside it. */
  readonly journal: string
  readonly mark: string
  /** Held while a gateway, or a recovery, is at work here. */
  readonly lock: string
  /** The journal's files as they were before LevelDB opened them, until they proved sound. */
  readonly image: string
  /** Only of use to a recovery that is under way: made anew by the next one. */
  readonly repaired: string
  readonly rebuilt: string
  readonly discarded: string
  readonly quarantine: string
}

export function journalPaths(dataDir: string): JournalPaths {
  const path = (name: string): string => join(dataDir, name)
  return {
    dataDir,
    journal: path('journal'),
    mark: path('journal.mark'),
    lock: path('journal.lock'),
    image: path('journal.before'),
    repaired: path('journal.repaired'),
    rebuilt: path('journal.rebuilt'),
    discarded: path('journal.discarded'),
    quarantine: path('quarantine'),
  }
}

/** LevelDB's own lock, which says nothing when nobody holds it. */
const LOCK = 'LOCK'

/**
 * Gives every file of a folder a second name in another, which is there as a whole or not at all.
 * That costs no room, and holds the files as they are: LevelDB never writes to a file that it has
 * written before. Where a disk has no second names, the files are copied.
 */
export async function linkFolder(
  from: string,
  to: string,
  isWanted: (name: string) => boolean = () => true,
): Promise<void> {
  const draft = `${to}.new`
  await rm(draft, { recursive: true, force: true })
  await linkFiles(from, draft, isWanted)
  await rename(draft, to)
  await syncDirectory(dirname(to))
}

async function linkFiles(
  from: string,
  to: string,
  isWanted: (name: string) => boolean,
): Promise<void> {
  await mkdir(to)
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.name === LOCK || !isWanted(entry.name)) continue
    if (entry.isDirectory()) await linkFiles(source, target, isWanted)
    else await linkFile(source, target)
  }
  await syncDirectory(to)
}

async function linkFile(source: string, target: string): Promise<void> {
  try {
    await link(source, target)
  } catch (thrown) {
    if (!['EPERM', 'EXDEV', 'EMLINK', 'ENOTSUP', 'ENOSYS'].includes(systemCodeOf(thrown) ?? ''))
      throw thrown
    await copyFile(source, target)
  }
}

/** Renames, durably; the target is not there. */
export async function move(from: string, to: string, { dataDir }: JournalPaths): Promise<void> {
  await rename(from, to)
  await syncDirectory(dataDir)
}

/**
 * Removes what can be made again; interrupted half-way it leaves nothing under the name itself. The
 * name is gone for good when this resolves: an image that came back would replace the journal.
 */
export async function discard(path: string, { dataDir, discarded }: JournalPaths): Promise<void> {
  await rm(discarded, { recursive: true, force: true })
  if (!(await isThere(path))) return
  await rename(path, discarded)
  await syncDirectory(dataDir)
  await rm(discarded, { recursive: true, force: true })
}

async function isThere(path: string): Promise<boolean> {
  return (await namesIn(path)) !== undefined
}

/** The names in a folder; nothing where there is no such folder. */
export async function namesIn(path: string): Promise<readonly string[] | undefined> {
  try {
    return await readdir(path)
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'ENOENT') return undefined
    throw thrown
  }
}

/**
 * Whether a folder holds files of a LevelDB, and whether LevelDB would know them for its own. A
 * first opening that was cut short leaves its MANIFEST-000001 alone: that is as good as nothing.
 */
export function kindOfFolder(names: readonly string[]): 'empty' | 'headless' | 'database' {
  if (names.includes('CURRENT')) return 'database'
  const isLevelDb = /\.(ldb|sst|log)$|^MANIFEST-(?!000001$)/
  return names.some(name => isLevelDb.test(name)) ? 'headless' : 'empty'
}

/** Whether LevelDB told its own log that it left something out when it opened a folder. */
export async function hasDropped(folder: string): Promise<boolean> {
  const said = await readFile(join(folder, 'LOG'), 'utf8').catch(() => '')
  return /dropping \d+ bytes/.test(said)
}

/**
 * A new name in quarantine, made of the time (UTC) and a number. `tables`: it is to hold the files
 * of a running database, which are no journal that could be opened.
 * @param wallMs milliseconds since 1970
 */
async function quarantineName(
  paths: JournalPaths,
  wallMs: number,
  kind: 'journal' | 'tables',
): Promise<string> {
  const taken = (await namesIn(paths.quarantine)) ?? []
  if (taken.length === 0) await mkdir(paths.quarantine, { recursive: true })
  const time = new Date(wallMs).toISOString().slice(0, 19).replaceAll(':', '-')
  for (let number = 1; ; number += 1) {
    const name = `${time}Z-${number}`
    if (taken.includes(name) || taken.includes(`${name}${TABLES}`)) continue
    return kind === 'tables' ? `${name}${TABLES}` : name
  }
}

const TABLES = '-tables'

/** Beside what is kept in quarantine: why, and what became of it. For people; nothing reads it. */
const NOTE = 'recovery.json'

/** Moves a folder into quarantine as it is; gives its name there. */
export async function moveToQuarantine(
  paths: JournalPaths,
  options: { readonly from: string; readonly wallMs: number },
): Promise<string> {
  const name = await quarantineName(paths, options.wallMs, 'journal')
  const folder = join(paths.quarantine, name)
  await rename(options.from, folder)
  await syncDirectory(paths.quarantine)
  await syncDirectory(paths.dataDir)
  return name
}

/**
 * Tells whoever looks into a folder in quarantine what it is, and puts a copy of the mark beside,
 * as far as a full disk lets it.
 */
export async function annotate(paths: JournalPaths, folder: string, note: object): Promise<void> {
  const mark = join(folder, 'journal.mark')
  await copyFile(paths.mark, mark, constants.COPYFILE_EXCL).catch(() => undefined)
  const text = `${JSON.stringify(note, undefined, 2)}\n`
  await writeDurably(join(folder, NOTE), { text, mode: 0o644 }).catch(() => undefined)
}

/** The newest folder in quarantine that was a whole journal. */
export async function newestQuarantined(paths: JournalPaths): Promise<string | undefined> {
  const names = (await namesIn(paths.quarantine)) ?? []
  return names
    .filter(name => /^[\dTZ-]+$/.test(name))
    .sort((one, other) => one.localeCompare(other, 'en', { numeric: true }))
    .at(-1)
}

/** Keeps a running database's files: tables by second names, what it still writes as copies. */
export async function keepTables(paths: JournalPaths, wallMs: number): Promise<string> {
  const name = await quarantineName(paths, wallMs, 'tables')
  const folder = join(paths.quarantine, name)
  await mkdir(folder)
  for (const file of await readdir(paths.journal)) {
    const [source, target] = [join(paths.journal, file), join(folder, file)]
    if (/\.(ldb|sst)$/.test(file)) await linkFile(source, target)
    else if (file !== LOCK) await cp(source, target, { recursive: true })
  }
  await syncDirectory(folder)
  return name
}
