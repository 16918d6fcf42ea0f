import type { Database } from '../core/database.js'
import { epochOrdinal } from '../core/ids.js'
import { readEpochs } from './begin-epoch.js'
import { type EpochState, parseState } from './epoch-state.js'
import { isDamage, readFailure } from './failure.js'
import { gapAt } from './gap.js'
import { type HighWaterMark, MARKED_EPOCHS } from './high-water-mark.js'
import { EPOCH_KEYS, RECORD_KEYS } from './keys.js'
import { parseStored, recordAt } from './stored-record.js'
import { readableEntries } from './survey.js'

/**
 * Whether a database that LevelDB opened without a word is the journal that was left there: the
 * cheap questions, whose number does not grow with the journal. Gives what is wrong, or nothing.
 * @throws TillbridgeError TB_JOURNAL_FORMAT, or TB_JOURNAL_UNREADABLE where nothing in it is ours.
 */
export async function examine(
  database: Database,
  mark: HighWaterMark | undefined,
): Promise<string | undefined> {
  try {
    const { states } = await readEpochs(database)
    const wrong = await brokenEnd(database, states)
    return wrong ?? (mark && (await behindMark(database, states, mark)))
  } catch (thrown) {
    const failure = readFailure(thrown)
    if (!isDamage(failure) || !(await holdsOurs(database))) throw failure
    return failure.message
  }
}

/** Whether anything in the database can only have been written by a journal. */
export async function holdsOurs(database: Database): Promise<boolean> {
  const states = await readableEntries(database, EPOCH_KEYS)
  if (states.some(([, sealed]) => parseState(sealed) !== undefined)) return true
  const records = await readableEntries(database, { ...RECORD_KEYS, limit: 100 })
  const known = { linked: undefined, before: undefined }
  return records.some(([, value]) => parseStored(value, known) !== undefined)
}

/** Of the newest epochs: their last record stands where they end. */
async function brokenEnd(
  database: Database,
  states: readonly EpochState[],
): Promise<string | undefined> {
  for (const state of states.slice(-MARKED_EPOCHS)) {
    const { epoch, first, last } = state
    if (last < first || gapAt(state, last) !== undefined) continue
    if ((await recordAt(database, { epoch, seq: last })) === undefined)
      return `record ${last}, the last of epoch ${epoch}, does not verify`
  }
  return undefined
}

async function behindMark(
  database: Database,
  states: readonly EpochState[],
  mark: HighWaterMark,
): Promise<string | undefined> {
  const marked = mark.epochs.at(-1)
  if (marked === undefined) return undefined
  const { epoch, last } = marked
  const state = states.find(known => known.epoch === epoch)
  if (state === undefined) {
    const newest = states.at(-1)?.epoch
    const isPast = newest !== undefined && epochOrdinal(newest) > epochOrdinal(epoch)
    return isPast ? undefined : `nothing of epoch ${epoch} is there, its mark says ${last}`
  }
  if (state.last < last) return `epoch ${epoch} ends at ${state.last}, its mark says ${last}`
  if (last < state.first || gapAt(state, last) !== undefined) return undefined
  const stored = await recordAt(database, { epoch, seq: last })
  if (stored?.record.hash === mark.head) return undefined
  return `record ${last} of epoch ${epoch} is not the one of its mark`
}
