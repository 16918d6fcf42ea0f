import { type Database, type OpenFailure, openDatabase } from '../core/database.js'
import { TillbridgeError } from '../core/errors.js'
import { writeFailure } from './failure.js'

const OPEN_FAILURES = {
  locked: 'TB_JOURNAL_LOCKED',
  forbidden: 'TB_DATA_FORBIDDEN',
  refused: 'TB_JOURNAL_WRITE',
  unreadable: 'TB_JOURNAL_UNREADABLE',
} as const

/**
 * The LevelDB database of a journal's directory.
 * @throws TillbridgeError TB_JOURNAL_LOCKED, TB_JOURNAL_UNREADABLE, TB_DATA_FORBIDDEN; each
 * names the directory.
 */
export async function openJournalDatabase(directory: string): Promise<Database> {
  const opened = await openDatabase(directory)
  if (opened.ok) return opened.value
  throw openFailure(opened.error)
}

/** Anew, after a write that failed. @throws TillbridgeError TB_JOURNAL_WRITE */
export async function reopenDatabase(database: Database): Promise<void> {
  try {
    await database.close()
    await database.open()
  } catch (thrown) {
    throw writeFailure(thrown)
  }
}

/** What keeps the database from being opened, as the journal says it. */
export function openFailure({ reason, message }: OpenFailure): TillbridgeError {
  return new TillbridgeError(OPEN_FAILURES[reason], message)
}
