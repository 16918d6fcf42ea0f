import { z } from 'zod'
import { decodeJson } from '../core/schema.js'
import type { EventData } from '../event/event.js'
import { currency } from '../event/field.js'
import type { RecordHeader } from './record.js'

export type Statement = EventData<'journal.statement'>
export type StatementEntry = Statement['entries'][number]

/** What a statement says of the records that it covers. */
export type StatementTotals = Pick<
  Statement,
  'records' | 'entries' | 'conflicts' | 'gaps' | 'possibleRepeats'
>

/** A record as sums need it: `event` is nothing where only its digest is left. */
export interface SummedRecord {
  readonly header: Pick<RecordHeader, 'class' | 'type'>
  readonly event: Uint8Array | undefined
}

/** Loose: what of an event is summed does not depend on the version that wrote it. */
const summed = z.object({
  terminal: z.string(),
  time: z.string().regex(/^\d{4}-\d\d-\d\d/),
  businessday: z.string().optional(),
  possiblerepeat: z.literal(true).optional(),
  data: z
    .object({
      currency,
      totalMinor: z.int(),
      amountMinor: z.int(),
      method: z.string(),
      training: z.boolean(),
      reprint: z.boolean(),
      tenders: z.array(z.object({ type: z.string(), amountMinor: z.int() })),
    })
    .partial()
    .catch({}),
})

type Summed = z.infer<typeof summed>

/**
 * Adds records up as a statement does, the same in the shop and at HQ. Only class `ledger` has
 * entries, for the others may be evicted. A record's day is its `businessday`, or else the local
 * date of its `time`.
 */
export class StatementSums {
  readonly #maxEntries: number
  readonly #entries = new Map<string, StatementEntry>()
  #counts = { records: 0, conflicts: 0, gaps: 0, possibleRepeats: 0 }

  constructor(options: { readonly maxEntries: number }) {
    this.#maxEntries = options.maxEntries
  }

  /** False, and nothing is added, where there would be too many entries or too large a sum. */
  add({ header, event: bytes }: SummedRecord): boolean {
    const decoded = bytes === undefined ? undefined : decodeJson(summed, bytes)
    const event = decoded?.ok ? decoded.value : undefined
    const isCounted = header.class === 'ledger' && event !== undefined
    const grown = this.#grown(isCounted ? entriesOf(header.type, event) : [])
    const added = [...grown.keys()].filter(key => !this.#entries.has(key))
    const isSafe = [...grown.values()].every(entry => Number.isSafeInteger(entry.sumMinor ?? 0))
    if (!isSafe || (added.length > 0 && this.#entries.size + added.length > this.#maxEntries))
      return false
    for (const [key, entry] of grown) this.#entries.set(key, entry)
    const { records, conflicts, gaps, possibleRepeats } = this.#counts
    this.#counts = {
      records: records + 1,
      conflicts: conflicts + (header.type === 'event.conflict' ? 1 : 0),
      gaps: gaps + (header.type === 'journal.gap' ? 1 : 0),
      possibleRepeats: possibleRepeats + (event?.possiblerepeat === true ? 1 : 0),
    }
    return true
  }

  get totals(): StatementTotals {
    const entries = [...this.#entries].sort(([one], [other]) => (one < other ? -1 : 1))
    return { ...this.#counts, entries: entries.map(([, entry]) => entry) }
  }

  /** The entries that change, as they will be. */
  #grown(parts: readonly StatementEntry[]): ReadonlyMap<string, StatementEntry> {
    const grown = new Map<string, StatementEntry>()
    for (const part of parts) {
      const key = keyOfEntry(part)
      const before = grown.get(key) ?? this.#entries.get(key)
      const sum =
        part.sumMinor === undefined ? {} : { sumMinor: (before?.sumMinor ?? 0) + part.sumMinor }
      grown.set(key, { ...part, count: (before?.count ?? 0) + part.count, ...sum })
    }
    return grown
  }
}

/** Entries of one key are about the same. */
export function keyOfEntry(entry: StatementEntry): string {
  const { day, terminal, type, mark = '', method = '', currency = '' } = entry
  return JSON.stringify([day, terminal, type, mark, method, currency])
}

/** What one event counts for: a sale for its total, and for each of its tenders. */
function entriesOf(type: string, event: Summed): readonly StatementEntry[] {
  const { terminal, time, businessday, data } = event
  const { currency, totalMinor, amountMinor, method, training, reprint, tenders = [] } = data
  const mark: Pick<StatementEntry, 'mark'> = training
    ? { mark: 'training' }
    : reprint
      ? { mark: 'reprint' }
      : {}
  const base = { day: businessday ?? time.slice(0, 10), terminal, type, ...mark, count: 1 }
  if (currency === undefined) return [base]
  if (totalMinor !== undefined)
    return [
      { ...base, currency, sumMinor: totalMinor },
      ...tenders.map(tender => {
        return { ...base, method: tender.type, currency, sumMinor: tender.amountMinor }
      }),
    ]
  if (amountMinor === undefined) return [base]
  return [{ ...base, ...(method === undefined ? {} : { method }), currency, sumMinor: amountMinor }]
}
