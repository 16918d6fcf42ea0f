import type { EpochId, LedgerId, StoreId } from '../core/ids.js'
import type { AlarmName } from '../event/gateway-alarm.js'
import type { PublicKey } from '../security/signature.js'
import type { Batch } from '../wire/batch.js'
import type { Hello, LedgerGeneration } from '../wire/hello.js'
import type { EpochReceipt } from '../wire/receipt.js'
import type { Digest, RecordHeader } from '../wire/record.js'
import type { BackupPoints } from './backup-points.js'
import type { ChainState } from './chain-state.js'
import type { PlaceRange } from './ledger-memory.js'
import type { StoreState } from './store-state.js'

/** What a commit found; the batch is durable whatever stands here, for nothing is ever dropped. */
export interface CommitResult {
  readonly stored: number
  /** Records whose (source, id) stood in the ledger with the same data already. */
  readonly duplicates: number
  /** The same (source, id) with other data: kept beside the first. */
  readonly conflicts: number
  /** Positions that were committed before: a batch sent again. */
  readonly repeated: number
  /** Chain breaks and forks, in words an operator can act on. */
  readonly alarms: readonly string[]
}

/** A journaled event as it stands in the ledger. */
export interface LedgerRow {
  /** Counts commits; the order of the outbox and of exports. From 1. */
  readonly position: number
  readonly store: StoreId
  readonly header: RecordHeader
  /** Exact event bytes, or nothing for an evicted record. */
  readonly event: Uint8Array | undefined
  /** Chain hash of the record. */
  readonly hash: Digest
  /** `duplicate` rows repeat an event of another position; `conflict` rows contradict one. */
  readonly kind: 'event' | 'duplicate' | 'conflict' | 'evicted'
  readonly historical: boolean
  /** Wall clock of the ledger at commit, milliseconds since 1970. */
  readonly recordedMs: number
}

/** The right to publish the outbox: the order of its events rests on one process at a time. */
export interface Leadership {
  /** Aborts when it was lost: publish nothing more, another process may lead already. */
  readonly lost: AbortSignal
  /** Gives it to whoever asks next. */
  resign(): Promise<void>
}

/**
 * What was committed and not yet published. A row that the broker refuses goes to the shelf, where
 * it holds up no other and is not forgotten.
 */
export interface Outbox {
  /** Leadership, or nothing while another process (or another server in this one) has it. */
  lead(): Promise<Leadership | undefined>

  /**
   * Calls back when there may be something in the outbox: after commits here, and where others
   * work on the same database also now and then. Returns the way to stop.
   */
  onCommitted(listener: () => void): () => void

  /** Rows of kind `event` and `conflict` not yet fanned out, in order of commit. */
  outbox(limit: number): Promise<readonly LedgerRow[]>

  /**
   * Everything up to this position leaves the outbox: it has been published just now, but for the
   * rows at `refused`, which stand on the shelf from now on.
   */
  fannedOut(position: number, refused?: readonly number[]): Promise<void>

  /** Rows on the shelf behind a position, in order of commit. */
  shelf(after: number, limit: number): Promise<readonly LedgerRow[]>

  /** The row at this position has been published just now: it leaves the shelf. */
  unshelve(position: number): Promise<void>
}

/** What stands committed of a store, and in which generation of the ledger: read together. */
export interface LedgerReceipt {
  readonly ledger: LedgerId
  /** Oldest first. */
  readonly epochs: readonly EpochReceipt[]
}

/** Places of an epoch, from `first` on; `beyond`: at `first` only records of a greater hash. */
export interface RowsAt extends PlaceRange {
  readonly beyond?: Digest
}

/** A store as the ledger knows it. */
export interface StoreAccount {
  readonly state: StoreState
  readonly chains: readonly ChainState[]
}

/** What a ledger has to judge a store's statements by. */
export interface Evidence {
  /** The rows at some places, in order of place and, where a chain forked, of hash. */
  rowsAt(range: RowsAt, limit: number): Promise<readonly LedgerRow[]>

  /** Rows of type `journal.statement` of a store behind a position, in order of commit. */
  statements(store: StoreId, after: number, limit: number): Promise<readonly LedgerRow[]>

  /** What is known of a store and of all its epochs, oldest first. */
  account(store: StoreId): Promise<StoreAccount>

  /** Keys that count as the store's: the first that it signed with, and those trusted since. */
  keys(store: StoreId): Promise<readonly PublicKey[]>
}

/** Where a row stands on its way to HQ's own subscribers. */
export type Publication =
  | { readonly type: 'waiting' }
  /** The broker refused it: it stands on the shelf, and is offered again. */
  | { readonly type: 'refused' }
  /** `atMs`: wall clock, to the second; absent where that was not noted yet. */
  | { readonly type: 'published'; readonly atMs?: number }

/** Who is to work by a document: the newest version the store has whole, and the one applied. */
export interface DocumentState {
  readonly store: StoreId
  /** A terminal of the store, or `gateway`. */
  readonly terminal: string
  readonly version: number
  /** Absent where it never applied any. */
  readonly appliedVersion?: number
  /** RFC 3339 UTC. */
  readonly appliedAt?: string
  /** Lines of the applied version that it did not take, and of which nobody knows. */
  readonly refused?: number
  readonly doubtful?: number
  /** What it said of the first line that it did not take. */
  readonly reason?: string
}

/** Which version a store runs, and how it fares, by what has come of it. */
export interface VersionState {
  readonly store: StoreId
  readonly software: string
  /** Commits of its first start with this version, and of its newest: RFC 3339. */
  readonly since: string
  readonly started: string
  /** Commit of the newest start's self-test. */
  readonly tested?: string
  /** Newest starts with this version of which no self-test has come. */
  readonly untestedStarts: number
  /** Those that the newest start raised and did not clear. */
  readonly alarms: readonly { readonly alarm: AlarmName; readonly reason: string }[]
}

/** What people ask who look for one fact, or for those who work by an old document. */
export interface Tracking {
  /** Of a row that is published at all (`event`, `conflict`). */
  publication(position: number): Promise<Publication>

  /** Who is to work by the document of this name, and by which version they do. */
  documents(name: string): Promise<readonly DocumentState[]>

  /** Of every store that has said which version it runs. */
  versions(): Promise<readonly VersionState[]>

  /** Every store that the ledger knows. */
  stores(): Promise<readonly StoreId[]>
}

/** Somebody has looked why a store signs with another key than before. */
export interface Trust {
  /**
   * What is signed with this key counts as signed by the store, from now on.
   * @throws TillbridgeError TB_LEDGER_WRITE
   */
  trustKey(store: StoreId, publicKey: PublicKey): Promise<void>
}

/**
 * HQ's side of the promise. The same contract for every database behind it
 * (test/contract/ledger.ts). Commits may arrive in any order, twice, and concurrently; several
 * processes may work on one database, so nothing that is asked here may be remembered for long.
 */
export interface Ledger extends Outbox, BackupPoints, Evidence, Tracking, Trust {
  /** As it is now: another receiver may have made a new one. */
  generation(): Promise<LedgerGeneration>

  /**
   * A new generation in the place of `expected`, durable when this resolves, before any receipt
   * can name it. Where `expected` is no longer the present one another receiver was faster, and
   * the answer is the generation that it made.
   * @throws TillbridgeError TB_LEDGER_WRITE
   */
  renew(expected: LedgerId): Promise<LedgerGeneration>

  /**
   * Rows, ranges, chain state and outbox in one transaction; resolves when it is durable.
   * @throws TillbridgeError TB_LEDGER_WRITE: nothing of the batch was kept, send no receipt.
   */
  commit(batch: Batch): Promise<CommitResult>

  /**
   * Receipts speak of the epochs that the hello names, and of those that batches bring later.
   * Returns what is wrong with the store, in words an operator can act on.
   */
  greet(store: StoreId, hello: Hello): Promise<readonly string[]>

  /**
   * What stands committed of the epochs that a store holds by its hello and its batches since (of
   * every epoch it ever sent where it never said hello), or of those of `held` alone. With `safe`
   * where a backup is done.
   */
  receipt(store: StoreId, held?: ReadonlySet<EpochId>): Promise<LedgerReceipt>

  /** Rows after a position, in order of commit. */
  rows(after: number, limit: number): Promise<readonly LedgerRow[]>

  /** Waits for what is under way; later commits throw TB_LEDGER_WRITE. */
  close(): Promise<void>
}
