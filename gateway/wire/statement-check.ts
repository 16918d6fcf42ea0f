import { z } from 'zod'
import { currency } from '../event/field.js'
import {
  keyOfEntry,
  type StatementEntry,
  StatementSums,
  type SummedRecord,
} from './statement-sums.js'

const range = z.object({ epoch: z.string(), first: z.int().min(1), last: z.int().min(1) })

/** What a signed statement says; loose, so that a newer gateway may say more. */
export const stated = z.object({
  day: z.iso.date(),
  ranges: z.array(range.extend({ head: z.string() })),
  unreadable: z.array(range),
  records: z.int(),
  entries: z.array(
    z.object({
      day: z.string(),
      terminal: z.string(),
      type: z.string(),
      mark: z.enum(['training', 'reprint']).exactOptional(),
      method: z.string().exactOptional(),
      currency: currency.exactOptional(),
      count: z.int(),
      sumMinor: z.int().exactOptional(),
    }),
  ),
  conflicts: z.int(),
  gaps: z.int(),
  possibleRepeats: z.int(),
})

export type Stated = z.infer<typeof stated>
export type StatedRange = Stated['ranges'][number]

/** A record as whoever compares has it. */
export interface HeldRecord extends SummedRecord {
  readonly seq: number
  /** Chain hash of it. */
  readonly hash: string
}

const amount = z.object({ count: z.int(), sumMinor: z.int().exactOptional() })

/** One sum, as stated and as the records add up; a side that has none of it is missing. */
export const comparedSum = z.object({
  day: z.string(),
  terminal: z.string(),
  type: z.string(),
  mark: z.string().exactOptional(),
  method: z.string().exactOptional(),
  currency: z.string().exactOptional(),
  stated: amount.exactOptional(),
  held: amount.exactOptional(),
})

export type ComparedSum = z.infer<typeof comparedSum>

/** What a statement says beside what the records say. */
export interface StatementCheck {
  /** In words; none where both are equal. */
  readonly faults: readonly string[]
  readonly sums: readonly ComparedSum[]
}

/** Faults told of one range; a store that lies must not fill a report. */
const TOLD_FAULTS = 20

/**
 * Adds the records of a statement's ranges up once more. `held` gives those of one range that are
 * there, in order; two at one place where the chain forked.
 */
export async function checkStatement(
  statement: Stated,
  held: (range: StatedRange) => AsyncIterable<HeldRecord>,
): Promise<StatementCheck> {
  const sums = new StatementSums({ maxEntries: Number.POSITIVE_INFINITY })
  const faults: string[] = []
  for (const range of statement.ranges) {
    const found = await addRange({ range, records: held(range), sums })
    faults.push(...found.slice(0, TOLD_FAULTS))
  }
  const totals = sums.totals
  for (const name of ['records', 'conflicts', 'gaps', 'possibleRepeats'] as const)
    if (totals[name] !== statement[name])
      faults.push(`${name}: ${statement[name]} stated, ${totals[name]} held`)
  const compared = compare(statement.entries, totals.entries)
  const differing = compared.filter(sum => !isEqual(sum)).length
  if (differing > 0) faults.push(`${differing} of ${compared.length} sums differ`)
  return { faults, sums: compared }
}

export function isEqual({ stated, held }: ComparedSum): boolean {
  return stated?.count === held?.count && stated?.sumMinor === held?.sumMinor
}

async function addRange(options: {
  readonly range: StatedRange
  readonly records: AsyncIterable<HeldRecord>
  readonly sums: StatementSums
}): Promise<readonly string[]> {
  const { range, records, sums } = options
  const faults: string[] = []
  const say = (text: string): void => void faults.push(`epoch ${range.epoch}: ${text}`)
  let next = range.first
  let hash = ''
  for await (const record of records) {
    const { seq } = record
    if (seq < next) {
      say(`record ${seq} stands there more than once`)
      continue
    }
    if (seq > next) say(missing(next, seq - 1))
    if (record.header.class === 'ledger' && record.event === undefined)
      say(`of record ${seq} only the digest is there`)
    if (!sums.add(record)) say(`with record ${seq} the sums become too large`)
    hash = record.hash
    next = seq + 1
  }
  if (next <= range.last) say(missing(next, range.last))
  else if (hash !== range.head) say(`record ${range.last} is another than was stated`)
  return faults
}

function missing(first: number, last: number): string {
  return first === last
    ? `record ${first} is not there`
    : `records ${first} to ${last} are not there`
}

function compare(
  stated: readonly StatementEntry[],
  held: readonly StatementEntry[],
): readonly ComparedSum[] {
  const sums = new Map<string, ComparedSum>()
  for (const [side, entries] of Object.entries({ stated, held }))
    for (const { count, sumMinor, ...about } of entries) {
      const key = keyOfEntry({ ...about, count })
      const value = { count, ...(sumMinor === undefined ? {} : { sumMinor }) }
      sums.set(key, { ...(sums.get(key) ?? about), [side]: value })
    }
  return [...sums.values()]
}
