import { type Database, openDatabase } from '../core/database.js'
import { type EpochId, epochOrdinal } from '../core/ids.js'
import type { Range } from '../core/range-set.js'
import { readEpochs } from './begin-epoch.js'
import type { EpochState } from './epoch-state.js'
import { isDamage } from './failure.js'
import { keptRanges } from './gap.js'
import { discard, type JournalPaths, linkFolder } from './journal-folder.js'
import { RECORD_KEYS } from './keys.js'
import { repairFolder } from './repair.js'
import { parseStored, verifiedRecords } from './stored-record.js'
import { readableEntries } from './survey.js'

/**
 * LevelDB drops what it cannot read of its log, and opens: the torn end of a write that nobody was
 * told of, or the rest of a block around one flipped bit. The logs of the image, read without
 * regard for LevelDB's checksums, tell them apart. Gives what was lost, or nothing.
 */
export async function lostFromLog(
  paths: JournalPaths,
  database: Database,
): Promise<string | undefined> {
  await discard(paths.repaired, paths)
  await linkFolder(paths.image, paths.repaired, name => name.endsWith('.log'))
  await repairFolder(paths.repaired)
  const opened = await openDatabase(paths.repaired)
  if (!opened.ok) return 'LevelDB left out a part of its log'
  try {
    return await firstLost(database, await loggedExtents(opened.value))
  } finally {
    await opened.value.close()
    await discard(paths.repaired, paths)
  }
}

/** Between which places, in each epoch, the log holds sound records. */
async function loggedExtents(logged: Database): Promise<ReadonlyMap<EpochId, Range>> {
  const extents = new Map<EpochId, Range>()
  for (const [, value] of await readableEntries(logged, RECORD_KEYS)) {
    const { record } = parseStored(value, { linked: undefined, before: undefined }) ?? {}
    if (record === undefined) continue
    const { epoch, seq } = record.header
    const [first, last] = extents.get(epoch) ?? [seq, seq]
    extents.set(epoch, [Math.min(first, seq), Math.max(last, seq)])
  }
  return extents
}

async function firstLost(
  database: Database,
  logged: ReadonlyMap<EpochId, Range>,
): Promise<string | undefined> {
  const { states } = await readEpochs(database)
  const oldest = states.reduce((least, { epoch }) => Math.min(least, epochOrdinal(epoch)), Infinity)
  for (const [epoch, [from, to]] of logged) {
    // Trimmed since it was logged.
    if (epochOrdinal(epoch) < oldest) continue
    const state = states.find(known => known.epoch === epoch)
    if (state === undefined || state.last < to)
      return `LevelDB left out a part of its log: epoch ${epoch} had ${to}`
    try {
      await verifyFrom(database, state, from)
    } catch (thrown) {
      if (!isDamage(thrown)) throw thrown
      return `LevelDB left out a part of its log: ${thrown.message}`
    }
  }
  return undefined
}

async function verifyFrom(database: Database, state: EpochState, from: number): Promise<void> {
  for (const [first, last] of keptRanges(state)) {
    const range = { first: Math.max(first, from), last }
    if (range.first > last) continue
    for await (const _ of verifiedRecords({ database, state, ...range }));
  }
}
