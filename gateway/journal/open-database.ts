import { type Database, openDatabase } from '../core/database.js'
import { TillbridgeError } from '../core/errors.js'

/**
 * The LevelDB database of a journal's directory.
 * @throws TillbridgeError TB_JOURNAL_LOCKED, TB_JOURNAL_UNREADABLE; both name the directory.
 */
export async function openJournalDatabase(directory: string): Promise<Database> {
  const opened = await openDatabase(directory)
  if (opened.ok) return opened.value
  const { reason, message } = opened.error
  throw new TillbridgeError(
    reason === 'locked' ? 'TB_JOURNAL_LOCKED' : 'TB_JOURNAL_UNREADABLE',
    message,
  )
}
