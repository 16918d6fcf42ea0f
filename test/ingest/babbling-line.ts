import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { newEventId } from '../../gateway/core/ids.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import type { ClockState } from '../../gateway/event/event.js'
import { FactIngest } from '../../gateway/ingest/fact-ingest.js'
import { JournalIngest } from '../../gateway/ingest/journal-ingest.js'
import { openJournal } from '../../gateway/journal/level-journal.js'
import { openJournalDatabase } from '../../gateway/journal/open-database.js'
import { noise, STORE, sale } from '../support/sample.js'
import { steppedClock } from '../support/stepped-clock.js'

/** What came of a line that babbled in virtual time beside a till that sold. */
export interface Babbled {
  readonly sales: number
  readonly kept: number
  readonly counted: number
  /** Every sale was journaled. */
  readonly soldAll: boolean
  readonly diskBytes: number
}

/** Seconds from one sale to the next. */
const SALE_EVERY = 30
/** Frames a second that the delimiters in random bytes make at 115200 baud: 11 520 × 2 / 256. */
const FULL_RATE = 90

/**
 * So many hours without HQ, a second a step, on the journal and the limits as they ship. The line
 * gives one rejected frame a second, and in the first minute of each hour as many as random bytes at
 * 115200 baud make: what is kept depends on time, not on how many are counted in between.
 */
export async function babble(options: {
  readonly directory: string
  readonly hours: number
  readonly babbles: boolean
}): Promise<Babbled> {
  const { directory, hours, babbles } = options
  const { clock, step } = steppedClock()
  const clockState = (): ClockState => 'synced'
  const common = { clock, random: systemRandom, clockState, timeZone: 'UTC' }
  const database = await openJournalDatabase(directory)
  const context = { store: STORE, software: 'babble', bootId: 'boot-1', ...common }
  const journal = await openJournal({ ...context, database })
  const ingest = new JournalIngest({ journal, logger: silentLogger })
  const facts = new FactIngest({ ...common, ingest, journal, onBabbling: () => undefined })
  const frames = Array.from({ length: 64 }, (_, index) => noise(systemRandom, 8 + 4 * index))
  const result = { sales: 0, kept: 0, counted: 0, soldAll: true }
  const hear = async (count: number): Promise<void> => {
    for (let frame = 0; frame < count; frame += 1) {
      const like = frames[(result.kept + result.counted) % frames.length]
      if (like === undefined) continue
      const { type } = await facts.ingest([{ ...like, id: newEventId(clock, systemRandom) }])
      if (type === 'summarised') result.counted += 1
      else result.kept += 1
    }
  }
  for (let second = 0; second < hours * 3600; second += 1) {
    step(1000)
    if (babbles) await hear(second % 3600 < 60 ? FULL_RATE : 1)
    if (second % SALE_EVERY > 0) continue
    result.sales += 1
    const { type } = await facts.ingest([sale({ number: result.sales, lines: 5 })])
    result.soldAll &&= type === 'journaled'
  }
  await facts.stop()
  await journal.close()
  return { ...result, diskBytes: diskBytesOf(directory) }
}

function diskBytesOf(directory: string): number {
  const sizes = readdirSync(directory).map(name => statSync(join(directory, name)).blocks * 512)
  return sizes.reduce((sum, bytes) => sum + bytes, 0)
}
