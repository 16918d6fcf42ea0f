import { systemClock } from '../../gateway/core/clock.js'
import type { Database } from '../../gateway/core/database.js'
import { type Logger, silentLogger } from '../../gateway/core/log.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { type JournalStorage, openJournalStorage } from '../../gateway/journal/journal-storage.js'
import { MarkKeeper } from '../../gateway/journal/mark-keeper.js'
import { journalOver } from './open.js'

/** A journal in a data directory as the gateway keeps it: recovered where need be, and marked. */
export interface KeptJournal {
  readonly storage: JournalStorage
  readonly journal: Journal
  /** Leaves a mark that says all. */
  close(): Promise<void>
}

export async function openKept(
  dataDir: string,
  logger: Logger = silentLogger,
  through: (storage: Database) => Database = storage => storage,
): Promise<KeptJournal> {
  const storage = await openJournalStorage({ dataDir, clock: systemClock, logger })
  const journal = await journalOver(through(storage), undefined, {
    quarantine: () => storage.quarantine(),
  })
  const mark = new MarkKeeper({
    journal,
    path: storage.paths.mark,
    isSuspect: () => storage.isSuspect,
    clock: systemClock,
    logger,
  })
  mark.start()
  const close = async (): Promise<void> => {
    await journal.close()
    await mark.stop()
  }
  return { storage, journal, close }
}
