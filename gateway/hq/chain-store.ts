import type { Database, Operation } from '../core/database.js'
import type { EpochId, StoreId } from '../core/ids.js'
import type { Digest } from '../wire/record.js'
import { type ChainState, chainState, emptyChain } from './chain-state.js'
import { placeKeys, placeOfKey, stateKey, stateKeys } from './ledger-keys.js'
import type { PlaceRange, Places } from './ledger-memory.js'
import { parseNote, storeNote } from './level-notes.js'

/** What is committed at some places. */
export async function loadPlaces(database: Database, range: PlaceRange): Promise<Places> {
  const places = new Map<number, Set<Digest>>()
  for await (const [key] of database.iterator(placeKeys(range))) {
    const { seq, hash } = placeOfKey(key)
    places.set(seq, (places.get(seq) ?? new Set()).add(hash))
  }
  return places
}

export async function loadChain(
  database: Database,
  key: { readonly store: StoreId; readonly epoch: EpochId },
): Promise<ChainState> {
  const sealed = await database.get(stateKey(key.store, key.epoch))
  return sealed === undefined ? emptyChain(key.epoch) : parseChain(key.store, sealed)
}

/** The chain states of the epochs of a store, oldest first: of all, or of those it still holds. */
export async function loadChains(
  database: Database,
  options: { readonly store: StoreId; readonly held: ReadonlySet<EpochId> | undefined },
): Promise<readonly ChainState[]> {
  const { store, held } = options
  if (held !== undefined) {
    const keys = [...held].map(epoch => stateKey(store, epoch)).sort(Buffer.compare)
    const values = await database.getMany(keys)
    return values.flatMap(sealed => (sealed === undefined ? [] : [parseChain(store, sealed)]))
  }
  const chains: ChainState[] = []
  for await (const [, sealed] of database.iterator(stateKeys(store)))
    chains.push(parseChain(store, sealed))
  return chains
}

export function storeChain(store: StoreId, chain: ChainState): Operation {
  return storeNote(stateKey(store, chain.epoch), chain)
}

function parseChain(store: StoreId, sealed: Uint8Array): ChainState {
  return parseNote(chainState, sealed, `an epoch of store ${store}`)
}
