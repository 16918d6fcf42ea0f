import type { Clock } from '../core/clock.js'
import type { Database, Operation } from '../core/database.js'
import { messageOf } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { Logger } from '../core/log.js'
import { within } from '../core/within.js'
import {
  continues,
  endOfJournal,
  includes,
  isSameEnd,
  type MirrorEnd,
  newerEnd,
  recordsIn,
} from './mirror-end.js'
import { MirrorFile } from './mirror-file.js'
import {
  beginGeneration,
  finishGeneration,
  type GenerationPaths,
  type MirrorFolder,
} from './mirror-folder.js'
import { encodeOperations, readFrames } from './mirror-frames.js'
import { type MirrorSource, readCopy } from './mirror-source.js'
import { MirroredDatabase } from './mirrored-database.js'

/** Whether a record is on two media before it is acknowledged, and if not why. */
export type CopiesReport =
  | { readonly state: 'both' }
  | { readonly state: 'single-copy'; readonly reason: string }

/** Keeps the second copy: fills a new one, catches up when it returns, says how it stands. */
export class MirrorKeeper {
  /** The journal's database, with the second copy behind it. */
  readonly database: MirroredDatabase
  readonly #source: MirrorSource
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #stopping = new AbortController()
  #onReport: (report: CopiesReport) => void = () => undefined
  #attached: { readonly folder: MirrorFolder; readonly file: MirrorFile } | undefined
  #reason = 'it was not looked for yet'
  #said = ''
  #running: Promise<void> | undefined

  /** @param first was opened with this very source, and nothing was written to it since. */
  static async open(options: {
    readonly first: Database
    readonly source: MirrorSource
    readonly clock: Clock
    readonly logger: Logger
  }): Promise<MirrorKeeper> {
    const keeper = new MirrorKeeper(options)
    await keeper.database.begin()
    return keeper
  }

  private constructor(options: {
    readonly first: Database
    readonly source: MirrorSource
    readonly clock: Clock
    readonly logger: Logger
  }) {
    this.#source = options.source
    this.#clock = options.clock
    this.#logger = options.logger
    this.database = new MirroredDatabase({
      first: options.first,
      clock: options.clock,
      resume: async () => {
        this.#attached = await this.#source.resume(options.first)
        return this.#attached?.file
      },
      onLost: (mirror, reason) => {
        if (mirror !== this.#attached?.file) return
        this.#attached = undefined
        this.#reason = reason
        this.#report()
      },
    })
  }

  get report(): CopiesReport {
    if (this.#isAttached) return { state: 'both' }
    return { state: 'single-copy', reason: this.#reason }
  }

  get #isAttached(): boolean {
    return this.#attached !== undefined && this.database.isMirroredIn(this.#attached.file)
  }

  /** `onReport` hears how it stands, and of every change. */
  start(onReport: (report: CopiesReport) => void): void {
    this.#onReport = onReport
    this.#running ??= this.#run()
  }

  /** Before the journal is closed. A medium that does not answer holds nothing up. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    const work = this.#running ?? Promise.resolve()
    await within(this.#clock, { ms: LIMITS.mirrorWriteMs, work })
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      this.#report()
      await this.#look().catch(thrown => this.#note(messageOf(thrown)))
      this.#report()
      await this.#clock.sleep(LIMITS.mirrorLookMs, signal)
    }
  }

  #report(): void {
    const { report } = this
    const said = JSON.stringify(report)
    if (said === this.#said) return
    this.#said = said
    this.#logger.info({ copies: report }, 'copies of the journal')
    this.#onReport(report)
  }

  #note(reason: string): void {
    if (!this.#isAttached) this.#reason = reason
    else this.#logger.warn({ reason }, 'the second copy is not written anew')
  }

  async #look(): Promise<void> {
    const found = await this.#source.find()
    const attached = this.#attached
    if (attached !== undefined && (!found.ok || attached.folder.identity !== found.value.identity))
      this.database.lose(attached.file, found.ok ? 'another medium is there' : found.error)
    if (!found.ok) return this.#note(found.error)
    if (this.#isAttached ? !this.#isLong() : !(await this.#mayReplace(found.value))) return
    await this.#fill(found.value)
  }

  /** The batches outgrew what they are put on: written anew they take less, on disk and to read. */
  #isLong(): boolean {
    return (this.#attached?.file.bytes ?? 0) > LIMITS.mirrorBatchesBytes
  }

  /** What the journal does not hold itself stays as it is. */
  async #mayReplace(folder: MirrorFolder): Promise<boolean> {
    const copy = await readCopy(folder)
    if (copy?.end === undefined || (await includes(this.database, copy.end))) return true
    const { epoch, seq } = copy.end
    this.#reason =
      `${folder.path} has what this journal lacks (to record ${seq} of epoch ${epoch}): ` +
      'keep both, see docs/reliability.md, Second copy'
    return false
  }

  async #fill(folder: MirrorFolder): Promise<void> {
    if (!this.#isAttached) this.#reason = 'it is being caught up'
    this.#report()
    const draft = await beginGeneration(folder)
    const batches = await MirrorFile.open(draft.batches)
    try {
      const snapshot = await this.#writeSnapshot(draft, batches)
      await this.#verify(draft, { batches, ...snapshot })
      if (!this.database.attach(batches)) throw new Error('it could not keep up')
      await batches.sync()
      const { end, bytes } = snapshot
      await finishGeneration(folder, draft, {
        snapshotBytes: bytes,
        ...(end === undefined ? {} : { end }),
      })
      const before = this.#attached
      this.#attached = { folder, file: batches }
      if (before !== undefined) await this.database.release(before.file)
    } catch (thrown) {
      await this.database.release(batches)
      throw thrown
    }
  }

  async #writeSnapshot(
    draft: GenerationPaths,
    batches: MirrorFile,
  ): Promise<{ readonly end: MirrorEnd | undefined; readonly bytes: number }> {
    const snapshot = await MirrorFile.open(draft.snapshot)
    let end: MirrorEnd | undefined
    try {
      for await (const operations of inSlices(this.database.follow(batches))) {
        if (this.#stopping.signal.aborted) throw new Error('the gateway is stopping')
        for (const put of recordsIn(operations)) end = newerEnd(end, put)
        // Slice by slice: a write of the shop must not have to wait for all of it.
        await snapshot.append(encodeOperations(operations), { sync: true })
      }
      await snapshot.sync()
      return { end, bytes: snapshot.bytes }
    } finally {
      await snapshot.close()
    }
  }

  /** Reads back what was written, to the record that is the journal's newest by then. */
  async #verify(
    draft: GenerationPaths,
    written: {
      readonly batches: MirrorFile
      readonly end: MirrorEnd | undefined
      readonly bytes: number
    },
  ): Promise<void> {
    const newest = await endOfJournal(this.database)
    await written.batches.sync()
    let bytes = 0
    for await (const frame of readFrames(draft.snapshot)) bytes = frame.end
    if (bytes !== written.bytes) throw new Error(`it is damaged behind byte ${bytes}`)
    let { end } = written
    for await (const { operations } of readFrames(draft.batches))
      for (const put of recordsIn(operations)) {
        if (!continues(end, put)) throw new Error(`it lacks what is before record ${put.seq}`)
        end = newerEnd(end, put)
      }
    const isThere = newest === undefined || (end && isSameEnd(newerEnd(end, newest), end))
    if (!isThere) throw new Error('what was written to it cannot be read back')
  }
}

async function* inSlices(
  entries: AsyncIterable<[Uint8Array, Uint8Array]>,
): AsyncGenerator<readonly Operation[], void, undefined> {
  let slice: Operation[] = []
  let bytes = 0
  for await (const [key, value] of entries) {
    slice.push({ type: 'put', key, value })
    bytes += key.length + value.length
    if (bytes < LIMITS.mirrorSliceBytes) continue
    yield slice
    slice = []
    bytes = 0
  }
  if (slice.length > 0) yield slice
}
