import { type Clock, systemClock } from '../../gateway/core/clock.js'
import { silentLogger } from '../../gateway/core/log.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { type JournalStorage, openJournalStorage } from '../../gateway/journal/journal-storage.js'
import { MarkKeeper } from '../../gateway/journal/mark-keeper.js'
import { type CopiesReport, MirrorKeeper } from '../../gateway/journal/mirror-keeper.js'
import { MirrorSource } from '../../gateway/journal/mirror-source.js'
import { STORE } from '../support/sample.js'
import { until } from '../support/until.js'
import { journalOver } from './open.js'

/** Looks fifty times as often as a gateway does. */
const EAGER: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 50, signal) }

/** A journal as the gateway keeps it with a second copy. */
export interface MirroredJournal {
  readonly journal: Journal
  readonly storage: JournalStorage
  /** How it stood with the copies, in the order in which that was said. */
  readonly reports: readonly CopiesReport[]
  state(): CopiesReport['state']
  comesTo(state: CopiesReport['state']): Promise<void>
  close(): Promise<void>
}

export async function openMirrored(dataDir: string, path: string): Promise<MirroredJournal> {
  const shared = { clock: EAGER, logger: silentLogger }
  const source = new MirrorSource({ place: { path, dataDir, store: STORE }, ...shared })
  const storage = await openJournalStorage({ dataDir, copy: source, ...shared })
  const mirror = await MirrorKeeper.open({ first: storage, source, ...shared })
  const journal = await journalOver(mirror.database, undefined, {
    quarantine: () => storage.quarantine(),
  })
  const mark = new MarkKeeper({
    journal,
    path: storage.paths.mark,
    isSuspect: () => storage.isSuspect,
    ...shared,
  })
  mark.start()
  const reports: CopiesReport[] = []
  mirror.start(report => reports.push(report))
  return {
    journal,
    storage,
    reports,
    state: () => mirror.report.state,
    comesTo: state => until(`copies: ${state}`, () => mirror.report.state === state),
    close: async () => {
      await mirror.stop()
      await journal.close()
      await mark.stop()
    },
  }
}
