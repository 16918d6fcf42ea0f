import type { StoreId } from '../core/ids.js'
import type { DocumentState } from '../hq/ledger.js'
import type { DocumentOwner } from './document-desk.js'

/** Who works by which version of a document, of all that should. */
export interface Holder {
  readonly store: StoreId
  /** Absent where the store has never had it whole: nobody knows for whom it would be. */
  readonly terminal?: string
  readonly version?: number
  /** The newest that is meant for the store; absent where none is. */
  readonly newest?: number
  readonly isCurrent: boolean
  /** What the terminal said of the first line of `version` that it did not take. */
  readonly reason?: string
}

/**
 * What is put out counts, and not what a store has heard of: one that was away has the old price.
 * Who lacks something comes first.
 */
export function holdersOf(known: {
  readonly documents: readonly DocumentState[]
  readonly stores: readonly StoreId[]
  /** What is put out, by store, and for every store (`hq`). */
  readonly versions: ReadonlyMap<DocumentOwner, number>
}): readonly Holder[] {
  const { documents, stores, versions } = known
  const newestOf = (store: StoreId): number | undefined => {
    const out = [versions.get(store), versions.get('hq')].filter(one => one !== undefined)
    return out.length === 0 ? undefined : Math.max(...out)
  }
  const holders = documents.map(
    ({ store, terminal, version: received, appliedVersion, reason }) => {
      const newest = Math.max(received, newestOf(store) ?? 0)
      return {
        store,
        terminal,
        newest,
        isCurrent: appliedVersion === newest,
        ...(appliedVersion === undefined ? {} : { version: appliedVersion }),
        ...(reason === undefined ? {} : { reason }),
      }
    },
  )
  const having = new Set(documents.map(({ store }) => store))
  const without = stores.flatMap((store): Holder[] => {
    const newest = newestOf(store)
    if (having.has(store) || newest === undefined) return []
    return [{ store, newest, isCurrent: false }]
  })
  return [...holders, ...without].sort((a, b) => Number(a.isCurrent) - Number(b.isCurrent))
}

export function holderLine({
  store,
  terminal,
  version,
  newest,
  isCurrent,
  reason,
}: Holder): string {
  if (terminal === undefined) return `${store}: has never had it whole; ${newest} is put out`
  const refused = reason === undefined ? '' : ` (lines refused, the first: ${reason})`
  const has = version === undefined ? 'none' : `${version}`
  const lacks = isCurrent ? '' : `, not ${newest} yet`
  return `${store} ${terminal}: ${has}${lacks}${refused}`
}
