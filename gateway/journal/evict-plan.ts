import { releaseClaims } from '../core/claims.js'
import type { Database, Operation } from '../core/database.js'
import { EVICTABLE_KEYS, recordKeyOfEvictable } from './keys.js'
import { claimsOf } from './record-claims.js'
import { evictedValue } from './stored-record.js'

/** Some of the oldest bodies that may be evicted, on their way out. */
export interface EvictPlan {
  readonly bodies: number
  /** Keys of the first and the last record. */
  readonly range: readonly [first: Uint8Array, last: Uint8Array]
  readonly operations: readonly Operation[]
}

/**
 * The oldest bodies of class `telemetry`, or nothing where none is left. Each leaves its header and
 * digest, so the chain verifies as before; HQ gets the record as `evicted`.
 */
export async function planEviction(options: {
  readonly database: Database
  readonly bodies: number
}): Promise<EvictPlan | undefined> {
  const { database, bodies } = options
  const keys: Uint8Array[] = []
  for await (const [key] of database.iterator({ ...EVICTABLE_KEYS, limit: bodies })) keys.push(key)
  const recordKeys = keys.map(recordKeyOfEvictable)
  const [first, last] = [recordKeys[0], recordKeys.at(-1)]
  if (first === undefined || last === undefined) return undefined
  const values = await database.getMany(recordKeys)
  const evicted = values.flatMap((value, index) => {
    const key = recordKeys[index]
    const left = value && evictedValue(value)
    return key === undefined || left === undefined ? [] : [{ key, ...left }]
  })
  const claims = await releaseClaims(
    database,
    evicted.flatMap(({ record }) => claimsOf(record)),
  )
  const operations: readonly Operation[] = [
    ...keys.map(key => ({ type: 'del', key }) as const),
    ...evicted.map(({ key, value }) => ({ type: 'put', key, value }) as const),
    ...claims,
  ]
  return { bodies: evicted.length, range: [first, last], operations }
}
