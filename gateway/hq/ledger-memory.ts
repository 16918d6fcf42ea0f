import type { Claim, KnownClaim } from '../core/claims.js'
import type { EpochId, StoreId } from '../core/ids.js'
import type { Digest } from '../wire/record.js'
import type { ChainState } from './chain-state.js'
import type { StoreState } from './store-state.js'

/** The records (chain hashes) at each sequence number; more than one where a chain forked. */
export type Places = ReadonlyMap<number, ReadonlySet<Digest>>

/** Places `first` to `last` of an epoch. */
export interface PlaceRange {
  readonly store: StoreId
  readonly epoch: EpochId
  readonly first: number
  readonly last: number
}

/** What a ledger has committed, as far as a batch asks for it; it may not change under the plan. */
export interface LedgerMemory {
  places(range: PlaceRange): Promise<Places>
  /** An empty one where nothing is known of the epoch. */
  chain(store: StoreId, epoch: EpochId): Promise<ChainState>
  /** Of all epochs of the store that anything is known of, oldest first. */
  chains(store: StoreId): Promise<readonly ChainState[]>
  /** `UNKNOWN_STORE` where nothing is known of it. */
  store(store: StoreId): Promise<StoreState>
  /** Ids of the backup points, ascending. */
  backupPoints(): Promise<readonly number[]>
  /** What the store's dedupe memory knows of these claims, whose keys are `identityHash`es. */
  claims(store: StoreId, claims: readonly Claim[]): Promise<readonly KnownClaim[]>
}
