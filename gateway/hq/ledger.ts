import type { EpochId, StoreId } from '../core/ids.js'
import type { Batch } from '../wire/batch.js'
import type { LedgerGeneration } from '../wire/hello.js'
import type { EpochReceipt } from '../wire/receipt.js'
import type { Digest, RecordHeader } from '../wire/record.js'

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

/**
 * HQ's side of the promise. The same contract for every database behind it
 * (test/contract/ledger.ts). Commits may arrive in any order, twice, and concurrently.
 */
export interface Ledger {
  readonly generation: LedgerGeneration

  /**
   * Rows, ranges, chain state and outbox in one transaction; resolves when it is durable.
   * @throws TillbridgeError TB_LEDGER_WRITE: nothing of the batch was kept, send no receipt.
   */
  commit(batch: Batch): Promise<CommitResult>

  /**
   * What stands committed of a store, oldest epoch first: for every epoch it ever sent, or for
   * those of `held` alone, whatever else there is.
   */
  receipt(store: StoreId, held?: ReadonlySet<EpochId>): Promise<readonly EpochReceipt[]>

  /** Rows after a position, in order of commit. */
  rows(after: number, limit: number): Promise<readonly LedgerRow[]>

  /** Rows of kind `event` and `conflict` not yet fanned out, in order of commit. */
  outbox(limit: number): Promise<readonly LedgerRow[]>

  /** Everything up to this position has been published: it leaves the outbox. */
  fannedOut(position: number): Promise<void>

  /** Waits for what is under way; later commits throw TB_LEDGER_WRITE. */
  close(): Promise<void>
}
