import type { Database, Operation } from '../core/database.js'
import { TillbridgeError } from '../core/errors.js'
import type { EpochId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import { SerialQueue } from '../core/serial-queue.js'
import { decodeEvent, type Event } from '../event/event.js'
import type { SignedType } from '../security/signed-event.js'
import { type Digest, GENESIS, type JournalRecord } from '../wire/record.js'
import { beginEpoch, type EpochOptions, type OpenedEpochs } from './begin-epoch.js'
import { type EpochState, storeEpoch } from './epoch-state.js'
import { isDamage, readFailure, writeFailure } from './failure.js'
import { readFragments, readFragmentsUnder } from './fragments.js'
import { type EpochGap, keptRanges } from './gap.js'
import { GapNamer } from './gap-namer.js'
import { GroupCommit } from './group-commit.js'
import type {
  AppendOutcome,
  ChainEnd,
  EpochExtent,
  FragmentChange,
  Journal,
  JournalSlice,
  JournalStatistics,
} from './journal.js'
import { isSamePlace, latestKey, type Place } from './keys.js'
import { reopenDatabase } from './open-database.js'
import { readSlice } from './read-slice.js'
import { changedBy, withReceipt } from './receipt-changes.js'
import { confirmedUpTo, isSettled, pendingRanges } from './retention.js'
import { readNewest } from './signed-memory.js'
import type { JournalSpace } from './space.js'
import { DamagedRecordError } from './stored-record.js'
import type { TrimPlan } from './trim-plan.js'
import { Trimmer } from './trimmer.js'
import { demandOf, type LateEvent, prepareEvent, WritePlan, type Writing } from './write-plan.js'

/** The journal takes the open database over: it closes it, also where opening the journal fails. */
export interface JournalOptions extends EpochOptions {
  /** Keeps the files of a damaged record as they are, and says where; nothing without it. */
  readonly quarantine?: () => Promise<string | undefined>
  /** Without it the journal writes until the disk refuses. */
  readonly space?: JournalSpace
  /** A notary makes statements: until the first one no record goes, unless the disk asks. */
  readonly isStated?: boolean
}

/**
 * Opens a journal in a new epoch, whose first record is durable when this resolves.
 * @throws TillbridgeError TB_JOURNAL_FORMAT, TB_JOURNAL_UNREADABLE, TB_JOURNAL_WRITE
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  try {
    return await LevelJournal.open(options)
  } catch (thrown) {
    await options.database.close()
    throw thrown
  }
}

/**
 * Appends run through the group commit, one write at a time; so does healing after a failed one.
 * All else (reads, receipts, slices of trimming, reopening itself) runs through one queue, so that
 * no reader meets a database being reopened.
 */
class LevelJournal implements Journal {
  readonly #options: JournalOptions
  readonly #group: GroupCommit<Writing, AppendOutcome>
  readonly #queue = new SerialQueue()
  readonly #writes = new SerialQueue()
  readonly #trimmer: Trimmer
  readonly #gaps: GapNamer
  readonly #listeners = new Set<(records: readonly JournalRecord[]) => void>()
  #closed: readonly EpochState[]
  #current: EpochState
  #head: Digest
  #oldestPending: (Place & { readonly time: string | undefined }) | undefined
  /** The write that failed: LevelDB takes no other until it is opened anew. */
  #wound: Error | undefined
  #closing: Promise<void> | undefined

  static async open(options: JournalOptions): Promise<LevelJournal> {
    const journal = new LevelJournal(options, await beginEpoch(options))
    await journal.#noteOldestPending()
    return journal
  }

  private constructor(options: JournalOptions, opened: OpenedEpochs) {
    this.#options = options
    this.#closed = opened.closed
    this.#current = opened.current
    this.#head = opened.head
    this.#group = new GroupCommit({
      maxItems: LIMITS.groupCommitEvents,
      write: writings => this.#write(writings),
    })
    const { database, clock, clockState } = options
    const shared = { database, queue: this.#queue, states: () => this.#states() }
    this.#gaps = new GapNamer({
      ...shared,
      context: options,
      append: events => this.#group.add(events),
      write: operations => this.#batch(operations, { sync: false }),
      amend: (epoch, change) => this.#amend(epoch, change),
      head: () => this.#head,
      quarantine: async () => options.quarantine?.(),
    })
    this.#trimmer = new Trimmer({
      ...shared,
      isStated: options.isStated ?? false,
      now: () => ({ wallMs: clock.wallMs(), clock: clockState() }),
      damaged: place => this.#gaps.found(place),
      isWritable: () => this.#closing === undefined && this.#wound === undefined,
      write: operations => this.#batch(operations, { sync: false }),
      trimmed: plan => this.#trimmed(plan),
    })
  }

  get epoch(): EpochId {
    return this.#current.epoch
  }

  get end(): ChainEnd {
    const { epoch, last } = this.#current
    return { epoch, seq: last, head: this.#head }
  }

  async append(
    events: readonly Event[],
    fragments?: FragmentChange,
  ): Promise<readonly AppendOutcome[]> {
    this.#refuseIfClosed()
    const prepared = events.map(prepareEvent)
    const writings = [...prepared, ...(fragments === undefined ? [] : [fragments])]
    if (writings.length === 0) return []
    this.#options.space?.admit(demandOf(prepared, fragments))
    return (await this.#group.add(writings)).slice(0, events.length)
  }

  fragments(source: string): Promise<readonly Uint8Array[]> {
    return this.#run(() => this.#remembering(database => readFragments(database, source)))
  }

  fragmentsUnder(prefix: string): Promise<ReadonlyMap<string, readonly Uint8Array[]>> {
    return this.#run(() => this.#remembering(database => readFragmentsUnder(database, prefix)))
  }

  async seal(make: LateEvent): Promise<void> {
    this.#refuseIfClosed()
    await this.#group.add([make])
  }

  newest(type: SignedType): Promise<Event | undefined> {
    return this.#run(() => this.#remembering(database => readNewest(database, type)))
  }

  async latestDigest(source: string): Promise<Digest | undefined> {
    const value = await this.#run(() => this.#remembering(db => db.get(latestKey(source))))
    return value === undefined ? undefined : Buffer.from(value).toString('hex')
  }

  epochs(): readonly EpochExtent[] {
    return this.#states().map(state => ({
      epoch: state.epoch,
      first: state.first,
      last: state.last,
      pending: pendingRanges(state),
    }))
  }

  read(range: {
    readonly epoch: EpochId
    readonly first: number
    readonly last: number
    readonly maxBytes: number
  }): Promise<JournalSlice> {
    return this.#run(() => this.#readSlice(range)).catch(async thrown => {
      const isNew = thrown instanceof DamagedRecordError && this.#closing === undefined
      if (isNew) await this.#gaps.found(thrown.place)
      throw thrown
    })
  }

  nameGaps(gaps: readonly EpochGap[]): Promise<void> {
    return this.#gaps.name(gaps)
  }

  async confirm(...receipt: Parameters<Journal['confirm']>): Promise<void> {
    await this.#run(() => this.#confirm(...receipt))
    this.#trimmer.start()
  }

  async relieve(records: number): Promise<number> {
    await this.#run(async () => undefined)
    return records > 0 ? this.#trimmer.relieve(records) : 0
  }

  statistics(): JournalStatistics {
    let records = 0
    let backlog = 0
    let trimmable = 0
    for (const state of this.#states()) {
      for (const [first, last] of keptRanges(state)) records += last - first + 1
      const upTo = confirmedUpTo(state, gap => isSettled(this.#states(), state, gap))
      trimmable += Math.max(0, upTo - state.first + 1)
      for (const [first, last] of pendingRanges(state)) backlog += last - first + 1
    }
    const oldest = this.#oldestPlace()
    const noted = this.#oldestPending
    const time = isSamePlace(oldest, noted) ? noted?.time : undefined
    const isMarked = this.#states().some(state => state.receipt?.safe !== undefined)
    return {
      records,
      backlog,
      ...(time === undefined ? {} : { oldestUnconfirmed: time }),
      retention: isMarked ? 'safe' : 'days',
      trimmable,
      ...(this.#wound === undefined ? {} : { refusal: this.#wound.message }),
    }
  }

  onAppended(listener: (records: readonly JournalRecord[]) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  #refuseIfClosed(): void {
    if (this.#closing !== undefined)
      throw new TillbridgeError('TB_JOURNAL_CLOSED', 'the journal is closed')
  }

  async #close(): Promise<void> {
    await this.#group.idle()
    await this.#trimmer.idle()
    await this.#queue.run(() => this.#options.database.close())
  }

  /** Through the queue, on a database that was opened anew after a failed write. */
  async #run<Value>(task: () => Promise<Value>): Promise<Value> {
    // Reopening takes its turn among the appends: none may be half way when the epoch changes.
    // Where it fails, the task does without, or meets the closed database and says so.
    if (this.#wound !== undefined && this.#closing === undefined)
      await this.#group.add([]).catch(() => undefined)
    return this.#queue.run(task)
  }

  async #write(writings: readonly Writing[]): Promise<readonly AppendOutcome[]> {
    if (this.#wound !== undefined) await this.#queue.run(() => this.#reopen())
    const plan = await this.#remembering(() => this.#plan(writings))
    await this.#batch(plan.operations, { sync: true })
    this.#options.space?.appended(plan.bytes)
    this.#accept(plan)
    return plan.outcomes
  }

  #plan(writings: readonly Writing[]): Promise<WritePlan> {
    const { database } = this.#options
    const { epoch, last } = this.#current
    return WritePlan.make({
      database,
      epoch,
      last,
      head: this.#head,
      writings,
      context: this.#options,
    })
  }

  #accept(plan: WritePlan): void {
    const [first] = plan.records
    if (first === undefined) return
    this.#current = { ...this.#current, last: this.#current.last + plan.records.length }
    this.#head = plan.head
    if (isSamePlace(this.#oldestPlace(), first.header))
      this.#oldestPending = { ...first.header, time: timeOf(first) }
    for (const listener of this.#listeners) queueMicrotask(() => listener(plan.records))
  }

  /**
   * The failed write may have survived on the disk or not. A new epoch begins behind whatever is
   * there, so no sequence number is ever used twice.
   */
  async #reopen(): Promise<void> {
    await this.#options.space?.makeWayToReopen()
    await reopenDatabase(this.#options.database)
    const opened = await beginEpoch(this.#options)
    this.#closed = opened.closed
    this.#current = opened.current
    this.#head = opened.head
    this.#wound = undefined
    await this.#noteOldestPending()
  }

  async #readSlice(range: Parameters<Journal['read']>[0]): Promise<JournalSlice> {
    const state = this.#states().find(({ epoch }) => epoch === range.epoch)
    if (state === undefined) return { previous: GENESIS, records: [] }
    const first = Math.max(range.first, state.first)
    const last = Math.min(range.last, state.last)
    if (first > last) return { previous: state.previous, records: [] }
    const { maxBytes } = range
    return this.#reading(database => readSlice({ database, state, first, last, maxBytes }))
  }

  async #confirm(...receipt: Parameters<Journal['confirm']>): Promise<void> {
    const changed = changedBy(this.#states(), ...receipt)
    const operations = changed.map(storeEpoch)
    for (const { epoch, receipt } of changed)
      this.#amend(epoch, state => withReceipt(state, receipt))
    await this.#noteOldestPending()
    // Not synced: HQ says it again at every connection.
    await this.#batch(operations, { sync: false })
    const failure = this.#trimmer.takeFailure()
    if (failure !== undefined) throw failure
  }

  #trimmed(plan: TrimPlan): void {
    if (plan.forgotten) this.#closed = this.#closed.filter(({ epoch }) => epoch !== plan.epoch)
    else this.#amend(plan.epoch, state => ({ ...state, ...plan.next }))
  }

  #states(): readonly EpochState[] {
    return [...this.#closed, this.#current]
  }

  /** Appends go on while a receipt or a slice is written: only what it changes is taken over. */
  #amend(epoch: EpochId, change: (state: EpochState) => EpochState): void {
    if (epoch === this.#current.epoch) this.#current = change(this.#current)
    else this.#closed = this.#closed.map(state => (state.epoch === epoch ? change(state) : state))
  }

  #oldestPlace(): Place | undefined {
    for (const state of this.#states()) {
      const seq = pendingRanges(state)[0]?.[0]
      if (seq !== undefined) return { epoch: state.epoch, seq }
    }
    return undefined
  }

  async #noteOldestPending(): Promise<void> {
    const place = this.#oldestPlace()
    if (place === undefined || isSamePlace(place, this.#oldestPending)) return
    const { epoch, seq } = place
    const range = { epoch, first: seq, last: seq, maxBytes: 0 }
    // A damaged record must not keep the shop from opening; the read that would send it says so.
    const slice = await this.#readSlice(range).catch(() => undefined)
    const record = slice?.records[0]
    this.#oldestPending = { ...place, time: record && timeOf(record) }
  }

  /** Without its memory the journal can take nothing: it is opened anew, and recovered there. */
  async #remembering<Value>(read: (database: Database) => Promise<Value>): Promise<Value> {
    try {
      return await this.#reading(read)
    } catch (thrown) {
      if (isDamage(thrown)) this.#wound = thrown
      throw thrown
    }
  }

  async #reading<Value>(read: (database: Database) => Promise<Value>): Promise<Value> {
    try {
      return await read(this.#options.database)
    } catch (thrown) {
      throw readFailure(thrown)
    }
  }

  /**
   * Without `sync` a power cut may undo it. One at a time, and none behind one that failed: half of
   * that one may stand in LevelDB's log, and what follows it there is gone at the next opening.
   */
  async #batch(
    operations: readonly Operation[],
    options: { readonly sync: boolean },
  ): Promise<void> {
    if (operations.length > 0)
      await this.#writes.run(async () => {
        if (this.#wound !== undefined) throw this.#wound
        try {
          await this.#options.database.batch([...operations], options)
        } catch (thrown) {
          this.#wound = writeFailure(thrown)
          throw this.#wound
        }
      })
  }
}

function timeOf({ body }: JournalRecord): string | undefined {
  const event = body.type === 'event' ? decodeEvent(body.bytes) : undefined
  return event?.ok ? event.value.time : undefined
}
