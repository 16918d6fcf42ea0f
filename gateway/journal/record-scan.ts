import type { Database } from '../core/database.js'
import { messageOf } from '../core/errors.js'
import { RECORD_KEYS, type Slot, slotKey, slotOfRecordKey } from './keys.js'
import { readUnverified, type UnverifiedRecord } from './stored-record.js'

/** What stands at one place of a journal, none of it verified, or why it cannot be read. */
export type Scanned = { readonly slot: Slot } & (
  | ({ readonly type: 'record' } & UnverifiedRecord)
  | { readonly type: 'unreadable'; readonly reason: string }
)

/** Places tried one by one behind a damaged block; then the scan gives up. */
const STEPS = 10_000

/**
 * Every place that holds something, in order, and what cannot be read on the way. Memory stays
 * constant however many there are.
 * @throws Error where nothing can be read for a long way behind a damage.
 */
export async function* scanRecords(options: {
  readonly database: Database
  readonly from?: Slot
  /** This one, too. */
  readonly to?: Slot
}): AsyncGenerator<Scanned, void, undefined> {
  const { database, from, to } = options
  const end = to === undefined ? { lt: RECORD_KEYS.lt } : { lte: slotKey(to) }
  let next = from
  for (let failures = 0; ; failures += 1) {
    const start = next === undefined ? RECORD_KEYS.gte : slotKey(next)
    try {
      for await (const [key, value] of database.iterator({ gte: start, ...end })) {
        const slot = slotOfRecordKey(key)
        failures = 0
        next = after(slot)
        yield scanned(slot, value)
      }
      return
    } catch (thrown) {
      const isBeyond =
        next !== undefined && to !== undefined && Buffer.compare(slotKey(next), slotKey(to)) > 0
      if (isBeyond) return
      if (next === undefined || failures >= STEPS) throw thrown
      // An iterator fetches ahead: what it could not read may stand behind this record.
      const value = await database.get(slotKey(next)).catch(() => undefined)
      if (value !== undefined) yield scanned(next, value)
      else yield { slot: next, type: 'unreadable', reason: messageOf(thrown) }
      next = after(next)
    }
  }
}

function scanned(slot: Slot, value: Uint8Array): Scanned {
  const read = readUnverified(value)
  if (read === undefined) return { slot, type: 'unreadable', reason: 'it holds no record' }
  return { slot, type: 'record', ...read }
}

function after({ ordinal, seq }: Slot): Slot {
  return { ordinal, seq: seq + 1 }
}
