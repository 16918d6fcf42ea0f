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
        const read = readUnverified(value)
        failures = 0
        next = after(slot)
        if (read === undefined) yield { slot, type: 'unreadable', reason: 'it holds no record' }
        else yield { slot, type: 'record', ...read }
      }
      return
    } catch (thrown) {
      const isBeyond =
        next !== undefined && to !== undefined && Buffer.compare(slotKey(next), slotKey(to)) > 0
      if (isBeyond) return
      if (next === undefined || failures >= STEPS) throw thrown
      yield { slot: next, type: 'unreadable', reason: messageOf(thrown) }
      next = after(next)
    }
  }
}

function after({ ordinal, seq }: Slot): Slot {
  return { ordinal, seq: seq + 1 }
}
