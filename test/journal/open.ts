import type { Database } from '../../gateway/core/database.js'
import { systemRandom } from '../../gateway/core/random.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { type JournalOptions, openJournal } from '../../gateway/journal/level-journal.js'
import { openJournalDatabase } from '../../gateway/journal/open-database.js'
import type { JournalWorld } from '../contract/journal.js'
import { NOON_MS, STORE, wallClock } from '../support/sample.js'

/** A journal over a database of the test's own making. */
export function journalOver(
  database: Database,
  world?: JournalWorld,
  more: Pick<JournalOptions, 'space' | 'quarantine' | 'isStated'> = {},
): Promise<Journal> {
  const now = world ?? { wallMs: NOON_MS, clock: 'synced' }
  return openJournal({
    database,
    ...more,
    store: STORE,
    software: '1.2.3',
    bootId: 'boot-1',
    clock: wallClock(now),
    random: systemRandom,
    clockState: () => now.clock,
    timeZone: 'Europe/Berlin',
  })
}

export async function journalIn(directory: string, world?: JournalWorld): Promise<Journal> {
  return journalOver(await openJournalDatabase(directory), world)
}
