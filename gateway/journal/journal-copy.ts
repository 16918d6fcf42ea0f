import {
  access,
  constants,
  copyFile,
  type FileHandle,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { type Database, openDatabase } from '../core/database.js'
import { messageOf, systemCodeOf, TillbridgeError } from '../core/errors.js'
import { lockFile } from '../core/file-lock.js'
import { checkFormat } from './format.js'
import { journalPaths } from './journal-folder.js'
import { manifestNamedBy, nextFileNumber } from './manifest.js'

/** A journal that is only looked at. */
export interface JournalCopy {
  /** Writes to it reach the copy alone. */
  readonly database: Database
  /** The folder of the journal itself. */
  readonly directory: string
  /** The copy's own, removed when it is closed. */
  readonly folder: string
  close(): Promise<void>
}

const TABLE = /\.(ldb|sst)$/
const LOCK = 'LOCK'

/**
 * Opens the journal of a data directory, or of a journal's own folder, without changing a byte of
 * it. LevelDB cannot open a database without writing to its folder, so it gets another one, under
 * the system's folder for temporary files: links to the tables in use, which it never changes, and
 * copies of the rest (a few MiB). Until it is closed no gateway can open the journal.
 * @throws TillbridgeError TB_JOURNAL_LOCKED where a gateway has it open, TB_JOURNAL_UNREADABLE,
 * TB_JOURNAL_FORMAT, TB_DATA_FORBIDDEN; each names the directory.
 */
export async function openJournalCopy(path: string): Promise<JournalCopy> {
  const directory = await findJournal(path)
  const lock = await takeLock(directory)
  const folder = await mkdtemp(join(tmpdir(), 'tillbridge-journal-'))
  const remove = async (): Promise<void> => {
    await rm(folder, { recursive: true })
    await lock?.close()
  }
  try {
    await fill(folder, directory)
    const database = await openFilled(folder, directory)
    const close = (): Promise<void> => database.close().then(remove)
    return { database, directory, folder, close }
  } catch (thrown) {
    await remove()
    throw thrown
  }
}

/** The lock under which a gateway recovers a journal; a copy has none. */
async function takeLock(directory: string): Promise<FileHandle | undefined> {
  const { journal, lock } = journalPaths(dirname(directory))
  if (journal !== directory) return undefined
  try {
    await access(lock, constants.W_OK)
    const taken = await lockFile(lock)
    if (taken === undefined) throw inUse(directory)
    return taken
  } catch (thrown) {
    // What cannot be written is said where the database's own lock is met.
    if (['ENOENT', 'EROFS', 'EACCES'].includes(systemCodeOf(thrown) ?? '')) return undefined
    throw thrown
  }
}

async function findJournal(path: string): Promise<string> {
  const tried = [resolve(path), join(resolve(path), 'journal')]
  for (const directory of tried) {
    const names = await readdir(directory).catch(thrown => {
      if (systemCodeOf(thrown) === 'EACCES')
        throw new TillbridgeError('TB_DATA_FORBIDDEN', messageOf(thrown))
      return []
    })
    if (names.some(name => TABLE.test(name) || name === 'CURRENT')) return directory
  }
  throw new TillbridgeError('TB_JOURNAL_UNREADABLE', `${resolve(path)}: there is no journal`)
}

async function fill(folder: string, directory: string): Promise<void> {
  try {
    const next = await nextFile(directory)
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      const from = join(directory, entry.name)
      const to = join(folder, entry.name)
      if (entry.name === LOCK) await shareLock(from, to)
      else if (!TABLE.test(entry.name)) {
        if (entry.isFile()) await copyFile(from, to)
        // LevelDB would write its next tables through links to those that it does not know.
      } else if (Number.parseInt(entry.name, 10) < next) await symlink(from, to)
    }
  } catch (thrown) {
    if (thrown instanceof TillbridgeError) throw thrown
    const isForbidden = systemCodeOf(thrown) === 'EACCES'
    const code = isForbidden ? 'TB_DATA_FORBIDDEN' : 'TB_JOURNAL_UNREADABLE'
    throw new TillbridgeError(code, `${directory}: ${messageOf(thrown)}`)
  }
}

/** The number of the next file, as the database's own list of tables has it. */
async function nextFile(directory: string): Promise<number> {
  const name = manifestNamedBy(await readFile(join(directory, 'CURRENT'), 'utf8'))
  if (name === undefined)
    throw new TillbridgeError('TB_JOURNAL_UNREADABLE', `${directory}: CURRENT is damaged`)
  return nextFileNumber(await readFile(join(directory, name)))
}

/** The lock is that of the journal, so it says whether a gateway runs, and keeps one from it. */
async function shareLock(from: string, to: string): Promise<void> {
  try {
    await access(from, constants.W_OK)
  } catch (thrown) {
    // On a medium that takes no write no gateway can run.
    if (systemCodeOf(thrown) === 'EROFS') return
    const doThis = 'run this as the user of the gateway, or copy the folder and look at the copy'
    throw new TillbridgeError('TB_DATA_FORBIDDEN', `${from}: ${doThis}`)
  }
  await symlink(from, to)
}

async function openFilled(folder: string, directory: string): Promise<Database> {
  const opened = await openDatabase(folder)
  if (!opened.ok) {
    const message = opened.error.message.replaceAll(folder, directory)
    if (opened.error.reason !== 'locked')
      throw new TillbridgeError('TB_JOURNAL_UNREADABLE', message)
    throw inUse(directory)
  }
  try {
    await checkFormat(opened.value)
    return opened.value
  } catch (thrown) {
    await opened.value.close()
    throw thrown
  }
}

function inUse(directory: string): TillbridgeError {
  const doThis = 'stop it, or copy the folder and look at the copy'
  return new TillbridgeError('TB_JOURNAL_LOCKED', `${directory}: a gateway has it open; ${doThis}`)
}
