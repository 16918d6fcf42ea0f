import type { EpochId } from '../core/ids.js'
import type { RangeSet } from '../core/range-set.js'
import type { Event } from '../event/event.js'
import type { SignedType } from '../security/signed-event.js'
import type { EpochReceipt } from '../wire/receipt.js'
import type { Digest, JournalRecord } from '../wire/record.js'
import type { EpochGap } from './gap.js'

/**
 * What became of one appended event. `duplicate`: this (source, id) with this data is journaled
 * already. `conflict`: with other data; both are kept, and an `event.conflict` beside them.
 */
export type AppendOutcome = 'stored' | 'duplicate' | 'conflict'

/**
 * What is kept of a terminal's message that is not whole yet (sync.md, rule 9), or of a command
 * that HQ may say again: `after` from this write on, where `before` was.
 */
export interface FragmentChange {
  /** As in the envelope of the events that they will make; of a command, `command/<id>`. */
  readonly source: string
  readonly before: readonly Uint8Array[]
  readonly after: readonly Uint8Array[]
}

/** Where the chain ends: its newest record, and that one's chain hash. */
export interface ChainEnd {
  readonly epoch: EpochId
  readonly seq: number
  readonly head: Digest
}

/** One epoch that still holds records, and which of them no receipt covers. */
export interface EpochExtent {
  readonly epoch: EpochId
  /** The oldest record kept; `last` is 0 where the epoch is still empty. */
  readonly first: number
  readonly last: number
  readonly pending: RangeSet
}

/** Consecutive records of one epoch and the chain hash of the record before them. */
export interface JournalSlice {
  readonly previous: Digest
  readonly records: readonly JournalRecord[]
}

export interface JournalStatistics {
  /** Records kept, and those of them without a receipt. */
  readonly records: number
  readonly backlog: number
  /** CloudEvents `time` of the oldest record without a receipt. */
  readonly oldestUnconfirmed?: string
  /** What lets confirmed records go: HQ's `safe` mark, or time, because HQ reports none. */
  readonly retention: 'safe' | 'days'
  /** Records that may go before their time where the disk asks for it. */
  readonly trimmable: number
  /** Why the last write failed, until the database is open anew. */
  readonly refusal?: string
}

/**
 * The shop's durable memory: every event in the order it was accepted, chained, until HQ's ledger
 * has it and would still have it after a restore.
 */
export interface Journal {
  /** The epoch of this opening; every record appended now belongs to it. */
  readonly epoch: EpochId
  readonly end: ChainEnd

  /**
   * Atomic: all events or none; resolves once they survive a power cut (one fsync for all appends
   * that were waiting). One outcome an event, in order. Fragments change in the same write; they
   * count as money.
   * @throws TillbridgeError TB_JOURNAL_WRITE (disk), TB_JOURNAL_UNREADABLE (the memory of what was
   * journaled is damaged), TB_JOURNAL_FULL, TB_JOURNAL_LOW (room is left for money alone),
   * TB_JOURNAL_CLOSED, TB_EVENT_TOO_LARGE
   */
  append(events: readonly Event[], fragments?: FragmentChange): Promise<readonly AppendOutcome[]>

  /**
   * What is kept of this source's message that is not whole yet, over restarts, as it came; a
   * fragment that was damaged is empty.
   * @throws TillbridgeError TB_JOURNAL_WRITE, TB_JOURNAL_UNREADABLE
   */
  fragments(source: string): Promise<readonly Uint8Array[]>

  /**
   * `fragments` of every source that begins so.
   * @throws TillbridgeError TB_JOURNAL_WRITE, TB_JOURNAL_UNREADABLE
   */
  fragmentsUnder(prefix: string): Promise<ReadonlyMap<string, readonly Uint8Array[]>>

  /**
   * Appends one event that is made in the write itself, from what then stands right before it; it
   * has a new id. Durable when this resolves.
   * @throws TillbridgeError as `append`
   */
  seal(make: (end: ChainEnd) => Event): Promise<void>

  /** The newest event of a type that the store signs, over restarts, whether or not it is kept. */
  newest(type: SignedType): Promise<Event | undefined>

  /**
   * `dataDigest` of the newest event of class `ledger` of this source, over restarts: tells a
   * possible repeat, whatever the gateway said about the terminal's line in between.
   */
  latestDigest(source: string): Promise<Digest | undefined>

  /** Oldest epoch first; the current one always last. */
  epochs(): readonly EpochExtent[]

  /**
   * Records `first` to `last` of an epoch, fewer where they exceed `maxBytes`, were trimmed, or
   * one of them is damaged: what is before the damage is given. At least one if any is left there.
   * @throws TillbridgeError TB_JOURNAL_UNREADABLE, naming epoch and number, where the first of them
   * is damaged or missing: it is no longer pending, a `journal.gap` says so; ask for what follows.
   * TB_JOURNAL_WRITE where the database did not come back after a failed write.
   */
  read(range: {
    readonly epoch: EpochId
    readonly first: number
    readonly last: number
    readonly maxBytes: number
  }): Promise<JournalSlice>

  /**
   * The whole of what HQ confirms now: it replaces what was confirmed before, and may be less.
   * Where HQ was `asked` about some epochs alone, it says nothing of others that it does not name.
   * Records that are confirmed and at or below `safe` are removed in time, the oldest first; what
   * stops that is thrown here, once: this receipt counts all the same.
   * @throws TillbridgeError TB_JOURNAL_WRITE, TB_JOURNAL_UNREADABLE
   */
  confirm(epochs: readonly EpochReceipt[], asked?: ReadonlySet<EpochId>): Promise<void>

  /**
   * Says to HQ that records were lost: a `journal.gap` each, once. What of them the journal still
   * counted as its own is not pending any more.
   * @throws TillbridgeError as `append`
   */
  nameGaps(gaps: readonly EpochGap[]): Promise<void>

  /**
   * Gives about so many records up for the room they take: confirmed ones before their time, oldest
   * first; then the bodies of the oldest unconfirmed telemetry. Resolves with how many went. With 0
   * it only opens a database anew that takes no writes.
   */
  relieve(records: number): Promise<number>

  statistics(): JournalStatistics

  /** Calls back after each write with the records it made durable; returns the way to stop. */
  onAppended(listener: (records: readonly JournalRecord[]) => void): () => void

  /** Waits for the running write; later appends throw TB_JOURNAL_CLOSED. */
  close(): Promise<void>
}
