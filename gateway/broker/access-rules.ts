import type { StoreId } from '../core/ids.js'
import { filterCovers } from '../core/topic-filter.js'

/** Topic filters (MQTT 3.1.1 §4.7) of what a client may subscribe to and publish. */
export interface AccessRules {
  readonly read: readonly string[]
  readonly write: readonly string[]
}

/** HQ's own user. `$SYS` is not in it: a leading wildcard leaves `$` topics out. */
export const FULL_ACCESS: AccessRules = { read: ['#'], write: ['#'] }

/** What a store may do at HQ's broker (sync.md, ACL). */
export function storeAccess(options: {
  readonly root: string
  readonly store: StoreId
  readonly mode: 'ledger' | 'direct'
}): AccessRules {
  const own = `${options.root}/${options.store}`
  const up = `${own}/up/#`
  const events = `${own}/events/#`
  const read = [`${own}/down/#`, `${options.root}/hq/#`]
  return options.mode === 'ledger'
    ? { read, write: [up] }
    : { read: [...read, events], write: [up, events] }
}

export function mayPublish(rules: AccessRules, topic: string): boolean {
  return rules.write.some(filter => filterCovers(filter, topic))
}

/** A filter is allowed if one rule covers all of it; shared ones never: aedes does not deliver. */
export function maySubscribe(rules: AccessRules, filter: string): boolean {
  if (filter.startsWith('$share/')) return false
  return rules.read.some(rule => filterCovers(rule, filter))
}
