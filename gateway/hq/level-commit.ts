import { type KnownClaim, readClaims, storeClaim } from '../core/claims.js'
import type { Database, Operation } from '../core/database.js'
import type { StoreId } from '../core/ids.js'
import type { BatchHeader } from '../wire/batch.js'
import { loadChain, loadChains, loadPlaces, storeChain } from './chain-store.js'
import type { CommitPlan } from './commit-plan.js'
import { claimKey, identityOfClaimKey, numberBytes, placeKey } from './ledger-keys.js'
import type { LedgerMemory } from './ledger-memory.js'
import { storeRow } from './ledger-row.js'
import { indexedUpTo, indexesOf } from './level-indexes.js'
import { loadBackups, loadStore, storeStore } from './level-notes.js'

/** What the embedded ledger remembers. */
export function levelMemory(database: Database): LedgerMemory {
  return {
    places: range => loadPlaces(database, range),
    chain: (store, epoch) => loadChain(database, { store, epoch }),
    chains: store => loadChains(database, { store, held: undefined }),
    store: store => loadStore(database, store),
    backupPoints: async () => (await loadBackups(database)).map(({ id }) => id),
    claims: async (store, claims) => {
      const known = await readClaims(
        database,
        claims.map(claim => ({ ...claim, key: claimKey(store, claim.key) })),
      )
      return known.map(claim => ({ ...claim, key: identityOfClaimKey(claim.key) }))
    },
  }
}

/** A plan as operations of one write; its first row gets `position`. */
export function operationsOf(options: {
  readonly plan: CommitPlan
  readonly header: BatchHeader
  readonly position: number
  readonly recordedMs: number
}): readonly Operation[] {
  const { plan, header, recordedMs } = options
  const { store, epoch, historical } = header
  const rows = plan.rows.flatMap(({ record, kind, claim }, index): readonly Operation[] => {
    const position = options.position + index
    const place = numberBytes(position)
    const { hash } = record
    const note = { store, kind, hash, historical, recordedMs }
    const key = placeKey({ store, epoch, seq: record.header.seq, hash })
    return [
      storeRow({ position, note, record }),
      { type: 'put', key, value: place },
      ...indexesOf({ position, store, type: record.header.type }),
      ...(claim === undefined ? [] : [rememberClaim(store, claim, place)]),
    ]
  })
  const chains = plan.chains.map(chain => storeChain(store, chain))
  return [
    ...rows,
    ...(plan.rows.length === 0 ? [] : [indexedUpTo(options.position + plan.rows.length - 1)]),
    ...chains,
    ...(plan.store === undefined ? [] : [storeStore(store, plan.store)]),
  ]
}

function rememberClaim(store: StoreId, claim: KnownClaim, place: Uint8Array): Operation {
  return storeClaim({ ...claim, key: claimKey(store, claim.key) }, place)
}
