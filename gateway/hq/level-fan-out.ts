import type { Database, Operation } from '../core/database.js'
import type { Publication } from './ledger.js'
import {
  FANNED_OUT_KEY,
  MARKS_END,
  markKey,
  numberBytes,
  positionOfKey,
  readNumber,
  shelfKey,
  unshelvedKey,
} from './ledger-keys.js'

/** Rows `first` to `last` were fanned out in one second. */
interface Mark {
  readonly first: number
  readonly last: number
  readonly atMs: number
}

export async function readFannedOut(database: Database): Promise<number> {
  const value = await database.get(FANNED_OUT_KEY)
  return value === undefined ? 0 : readNumber(value)
}

/** Written together: a row is in the outbox or on the shelf, whatever a power cut undoes. */
export async function markFannedOut(
  database: Database,
  marked: Mark & { readonly refused: readonly number[] },
): Promise<readonly Operation[]> {
  const { first, last, atMs, refused } = marked
  return [
    { type: 'put', key: FANNED_OUT_KEY, value: numberBytes(last) },
    ...(first > last ? [] : await markOf(database, { first, last, atMs })),
    ...refused.map(
      (shelved): Operation => ({ type: 'put', key: shelfKey(shelved), value: Buffer.from('') }),
    ),
  ]
}

/** One mark a second: where many are fanned out they share it. */
async function markOf(database: Database, mark: Mark): Promise<readonly Operation[]> {
  const before = await firstMark(database, { gt: markKey(0), lt: MARKS_END, reverse: true })
  const isSame = before !== undefined && second(before.atMs) === second(mark.atMs)
  const first = isSame ? before.first : mark.first
  const value = Buffer.concat([numberBytes(first), numberBytes(mark.atMs)])
  return [
    ...(isSame ? [{ type: 'del', key: markKey(before.last) } as const] : []),
    { type: 'put', key: markKey(mark.last), value },
  ]
}

/** Nothing where it does not stand on the shelf. */
export async function unshelve(
  database: Database,
  row: { readonly position: number; readonly atMs: number },
): Promise<readonly Operation[]> {
  const { position, atMs } = row
  const key = shelfKey(position)
  if ((await database.get(key)) === undefined) return []
  return [
    { type: 'del', key },
    { type: 'put', key: unshelvedKey(position), value: numberBytes(atMs) },
  ]
}

/** `fannedOut`: the position up to which rows are. */
export async function readPublication(
  database: Database,
  options: { readonly position: number; readonly fannedOut: number },
): Promise<Publication> {
  const { position, fannedOut } = options
  if (position > fannedOut) return { type: 'waiting' }
  if ((await database.get(shelfKey(position))) !== undefined) return { type: 'refused' }
  const unshelved = await database.get(unshelvedKey(position))
  if (unshelved !== undefined) return { type: 'published', atMs: readNumber(unshelved) }
  const mark = await firstMark(database, { gte: markKey(position), lt: MARKS_END })
  const isNoted = mark !== undefined && mark.first <= position
  return isNoted ? { type: 'published', atMs: mark.atMs } : { type: 'published' }
}

async function firstMark(
  database: Database,
  range: Parameters<Database['iterator']>[0],
): Promise<Mark | undefined> {
  for await (const [key, value] of database.iterator({ ...range, limit: 1 })) {
    const [first, atMs] = [readNumber(value), readNumber(value.subarray(value.length / 2))]
    return { first, last: positionOfKey(key), atMs }
  }
  return undefined
}

function second(ms: number): number {
  return Math.floor(ms / 1000)
}
