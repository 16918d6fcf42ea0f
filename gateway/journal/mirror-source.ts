import { rm } from 'node:fs/promises'
import type { Clock } from '../core/clock.js'
import { type Database, type Operation, openDatabase } from '../core/database.js'
import { messageOf } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { Logger } from '../core/log.js'
import { fail, type Result } from '../core/result.js'
import { within } from '../core/within.js'
import { readEpochs } from './begin-epoch.js'
import { unlessDamaged } from './failure.js'
import { keptRanges } from './gap.js'
import {
  endOfJournal,
  includes,
  isSameEnd,
  type MirrorEnd,
  newerEnd,
  recordsIn,
} from './mirror-end.js'
import { type FileEnd, MirrorFile } from './mirror-file.js'
import {
  findMirror,
  type GenerationPaths,
  generationsIn,
  type MirrorFolder,
  type MirrorPlace,
  readMeta,
} from './mirror-folder.js'
import { FIRST_DIGEST, readFrames } from './mirror-frames.js'
import type { Restored } from './recovery.js'
import { verifiedRecords } from './stored-record.js'

/** The newest whole copy on a medium, as far as it was read. */
export interface FoundCopy {
  readonly folder: MirrorFolder
  readonly paths: GenerationPaths
  readonly snapshotBytes: number
  /** The newest record in it. */
  readonly end: MirrorEnd | undefined
  /** Where the sound part of its batches ends. */
  readonly file: FileEnd
}

/** A copy that equals the journal, ready to be written on. */
export interface ResumedCopy {
  readonly folder: MirrorFolder
  readonly file: MirrorFile
}

/** Reads the second copy when a journal is opened, before anything is written to either. */
export class MirrorSource {
  readonly #place: MirrorPlace
  readonly #clock: Clock
  readonly #logger: Logger
  #equal: FoundCopy | undefined

  constructor(options: {
    readonly place: MirrorPlace
    readonly clock: Clock
    readonly logger: Logger
  }) {
    this.#place = options.place
    this.#clock = options.clock
    this.#logger = options.logger
  }

  /** The folder of the copy, or in words why there is none now. */
  async find(): Promise<Result<MirrorFolder, string>> {
    const work = findMirror(this.#place)
    const found = await within(this.#clock, { ms: LIMITS.mirrorFindMs, work })
    return found === 'timeout' ? fail(`${this.#place.path} does not answer`) : found
  }

  /**
   * Adds to a sound journal what only the copy holds of it. Gives a cause where the journal is to
   * be restored from the copy as a whole, which holds all that the journal does, and more.
   */
  async advance(database: Database): Promise<string | undefined> {
    this.#equal = undefined
    try {
      const copy = await this.#read()
      return copy && (await this.#compare(database, copy))
    } catch (thrown) {
      this.#logger.warn({ reason: messageOf(thrown) }, 'the second copy is not read')
      return undefined
    }
  }

  async restore(directory: string): Promise<Restored | undefined> {
    this.#equal = undefined
    try {
      const copy = await this.#read()
      if (copy?.end === undefined) return undefined
      await rm(directory, { recursive: true, force: true })
      const opened = await openDatabase(directory)
      if (!opened.ok) throw new Error(opened.error.message)
      try {
        const restored = await fillFrom(copy, opened.value)
        if (restored.isWhole) this.#equal = copy
        return restored
      } finally {
        await opened.value.close()
      }
    } catch (thrown) {
      this.#logger.error({ reason: messageOf(thrown) }, 'nothing is restored from the second copy')
      await rm(directory, { recursive: true, force: true })
      return undefined
    }
  }

  /** The copy, if it equals the journal that was opened and has not been written to since. */
  async resume(database: Database): Promise<ResumedCopy | undefined> {
    const copy = this.#equal
    this.#equal = undefined
    if (copy === undefined) return undefined
    try {
      if (!isSameEnd(await endOfJournal(database), copy.end)) return undefined
      const file = await MirrorFile.open(copy.paths.batches, copy.file)
      return { folder: copy.folder, file }
    } catch (thrown) {
      this.#logger.warn({ reason: messageOf(thrown) }, 'the second copy is not written on')
      return undefined
    }
  }

  async #read(): Promise<FoundCopy | undefined> {
    const folder = await this.find()
    return folder.ok ? readCopy(folder.value) : undefined
  }

  async #compare(database: Database, copy: FoundCopy): Promise<string | undefined> {
    const { end } = copy
    const here = await endOfJournal(database)
    if (isSameEnd(here, end)) {
      this.#equal = copy
      return undefined
    }
    if (end === undefined || (here !== undefined && (await includes(database, end))))
      return undefined
    if (here === undefined) return 'there is no journal, but a second copy'
    const records = await addBehind(copy, here, database)
    if (records > 0) {
      this.#logger.warn({ records }, 'the second copy had records that the journal had lost')
      this.#equal = copy
      return undefined
    }
    const isOlder = await holdsInSnapshot(copy, here)
    return isOlder ? 'the second copy holds all of it, and more' : undefined
  }
}

/** The newest generation of a copy; nothing where it is new. @throws where it cannot be read. */
export async function readCopy(folder: MirrorFolder): Promise<FoundCopy | undefined> {
  const [paths] = await generationsIn(folder)
  if (paths === undefined) return undefined
  const { end: snapshotEnd, snapshotBytes } = await readMeta(paths)
  let end: MirrorEnd | undefined = snapshotEnd
  let file: FileEnd = { bytes: 0, digest: FIRST_DIGEST }
  for await (const frame of readFrames(paths.batches)) {
    for (const put of recordsIn(frame.operations)) end = newerEnd(end, put)
    file = { bytes: frame.end, digest: frame.digest }
  }
  return { folder, paths, snapshotBytes, end, file }
}

/** Applies what follows the write that put a record; gives the number of records put so. */
async function addBehind(copy: FoundCopy, here: MirrorEnd, database: Database): Promise<number> {
  let isBehind = false
  let records = 0
  for await (const { operations } of readFrames(copy.paths.batches)) {
    const ends = [...recordsIn(operations)]
    if (isBehind) {
      records += ends.length
      await database.batch([...operations], { sync: true })
    }
    isBehind ||= ends.some(end => isSameEnd(end, here))
  }
  return records
}

async function holdsInSnapshot(copy: FoundCopy, here: MirrorEnd): Promise<boolean> {
  for await (const { operations } of readFrames(copy.paths.snapshot))
    for (const end of recordsIn(operations)) if (isSameEnd(end, here)) return true
  return false
}

/** Applies all that can be read of a copy. */
async function fillFrom({ paths, snapshotBytes }: FoundCopy, target: Database): Promise<Restored> {
  const write = (operations: readonly Operation[]): Promise<void> =>
    target.batch([...operations], { sync: false })
  let end = 0
  for await (const frame of readFrames(paths.snapshot)) {
    await write(frame.operations)
    end = frame.end
  }
  for await (const frame of readFrames(paths.batches)) await write(frame.operations)
  await target.batch([], { sync: true })
  const records = await unlessDamaged(countSound(target))
  const isWhole = end === snapshotBytes && records !== undefined
  return { records: records ?? 0, isWhole }
}

/** @throws TillbridgeError TB_JOURNAL_UNREADABLE where a record does not verify. */
async function countSound(database: Database): Promise<number> {
  let records = 0
  const { states } = await readEpochs(database)
  for (const state of states)
    for (const [first, last] of keptRanges(state))
      for await (const _ of verifiedRecords({ database, state, first, last })) records += 1
  return records
}
