import type { Database, Operation } from '../core/database.js'
import { seal, unseal } from '../core/sealed.js'
import type { FragmentChange } from './journal.js'
import { fragmentKey, fragmentKeys, fragmentKeysUnder, sourceOfFragmentKey } from './keys.js'

/** What the change asks of the database; a fragment that stays is not written again. */
export function storeFragments({ source, before, after }: FragmentChange): readonly Operation[] {
  const puts = after.flatMap((fragment, index): readonly Operation[] =>
    fragment === before[index]
      ? []
      : [{ type: 'put', key: fragmentKey(source, index), value: seal(fragment) }],
  )
  const dels = before
    .map((_, index): Operation => ({ type: 'del', key: fragmentKey(source, index) }))
    .slice(after.length)
  return [...puts, ...dels]
}

/** What is kept of a source, as it came; empty in place of one that is damaged. */
export async function readFragments(
  database: Database,
  source: string,
): Promise<readonly Uint8Array[]> {
  const fragments: Uint8Array[] = []
  for await (const [, sealed] of database.iterator(fragmentKeys(source)))
    fragments.push(unseal(sealed) ?? new Uint8Array(0))
  return fragments
}

/** The same of every source that begins so. */
export async function readFragmentsUnder(
  database: Database,
  prefix: string,
): Promise<ReadonlyMap<string, readonly Uint8Array[]>> {
  const found = new Map<string, Uint8Array[]>()
  for await (const [key, sealed] of database.iterator(fragmentKeysUnder(prefix))) {
    const source = sourceOfFragmentKey(key)
    const fragments = found.get(source) ?? []
    fragments.push(unseal(sealed) ?? new Uint8Array(0))
    found.set(source, fragments)
  }
  return found
}
