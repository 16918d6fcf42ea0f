import { z } from 'zod'
import { epochIdSchema, storeIdSchema } from '../core/id-schema.js'
import { epochOrdinal, type StoreId } from '../core/ids.js'
import { decodeJson } from '../core/schema.js'
import { readSignedEvent } from '../security/signed-event.js'
import {
  checkStatement,
  comparedSum,
  type HeldRecord,
  type Stated,
  type StatedRange,
  stated,
} from '../wire/statement-check.js'
import type { Evidence, LedgerRow, RowsAt } from './ledger.js'
import { findUnstated, spansOf } from './unstated.js'

const statementFound = z.object({
  /** Where it stands in the store's journal, and when it was made. */
  epoch: z.string(),
  seq: z.int(),
  time: z.string(),
  /** The date that ended with it. */
  day: z.string(),
  publicKey: z.string(),
  ranges: stated.shape.ranges,
  unreadable: stated.shape.unreadable,
  faults: z.array(z.string()),
  sums: z.array(comparedSum),
})

/** HQ's side of a store's day, beside what the store signed. */
export const statementReport = z.object({
  store: storeIdSchema,
  day: z.iso.date(),
  /** That ended the day, or have sums of it, in the order of the journal. */
  statements: z.array(statementFound),
  isEqual: z.boolean(),
})

export type StatementFound = z.infer<typeof statementFound>
export type StatementReport = z.infer<typeof statementReport>

const PAGE_ROWS = 500

/** A statement as it stands in the ledger, signed or not. */
interface Candidate {
  readonly row: LedgerRow
  readonly statement: Stated
  readonly time: string
  readonly publicKey: string
  readonly faults: readonly string[]
}

/**
 * Adds up what the ledger holds of the records that the store's statements of a day cover, and
 * compares. A day is equal where there is a statement of it and none of them has a fault.
 */
export async function reportStatements(
  ledger: Evidence,
  asked: { readonly store: StoreId; readonly day: string },
): Promise<StatementReport> {
  const { store, day } = asked
  const keys = await ledger.keys(store)
  const { chains } = await ledger.account(store)
  const epochs = chains.map(({ epoch }) => epoch)
  const candidates = (await allStatements(ledger, store)).flatMap(row => readStatement(row, keys))
  const statements: StatementFound[] = []
  const all = candidates.map(({ statement }) => statement)
  const held = (range: Pick<StatedRange, 'epoch' | 'first' | 'last'>) =>
    recordsOf(ledger, store, range)
  for (const [index, candidate] of candidates.entries()) {
    const { statement, row } = candidate
    if (statement.day !== day && statement.entries.every(entry => entry.day !== day)) continue
    const before = all[index - 1]
    const unstated = await findUnstated({ statement, before, all, epochs, held })
    const holes = unstated.length > 0 ? unstated : holesBefore(statement, before)
    const found = await checkStatement(statement, held)
    const { epoch, seq } = row.header
    const { time, publicKey } = candidate
    const { ranges, unreadable } = statement
    const faults = [...candidate.faults, ...holes, ...found.faults]
    const { day: ended } = statement
    const about = { epoch, seq, time, day: ended, publicKey, ranges, unreadable }
    statements.push({ ...about, faults, sums: [...found.sums] })
  }
  const isEqual = statements.length > 0 && statements.every(({ faults }) => faults.length === 0)
  return { store, day, statements, isEqual }
}

/** In the order of the journal: they may have arrived in another. */
async function allStatements(ledger: Evidence, store: StoreId): Promise<readonly LedgerRow[]> {
  const rows: LedgerRow[] = []
  for (let after = 0; ; ) {
    const page = await ledger.statements(store, after, PAGE_ROWS)
    rows.push(...page)
    const last = page.at(-1)
    if (last === undefined) break
    after = last.position
  }
  return rows.sort((one, other) => inOrder(one.header, other.header))
}

const statementEvent = z.object({
  time: z.string(),
  data: stated.extend({ publicKey: z.string() }),
})

/** Nothing where it holds no statement: that was an alarm when it was committed. */
function readStatement(row: LedgerRow, keys: readonly string[]): readonly Candidate[] {
  const bytes = row.event ?? Buffer.from('')
  const event = decodeJson(statementEvent, bytes)
  if (!event.ok) return []
  const { time, data: statement } = event.value
  const { publicKey } = statement
  const signed = readSignedEvent(bytes)
  const faults = [
    ...(signed.ok ? [] : [signed.error]),
    ...(keys.includes(publicKey) ? [] : [`key ${publicKey} is not the store's`]),
  ]
  return [{ row, statement, time, publicKey, faults }]
}

/** A statement begins where the one before it ended, or with an epoch. */
function holesBefore(statement: Stated, before: Stated | undefined): readonly string[] {
  const [begin] = spansOf(statement)
  const end = before && spansOf(before).at(-1)
  if (begin === undefined || end === undefined) return []
  const expected = begin.epoch === end.epoch ? end.last + 1 : 1
  if (begin.first === expected) return []
  return [`it begins at record ${begin.first} of epoch ${begin.epoch}, not at ${expected}`]
}

async function* recordsOf(
  ledger: Evidence,
  store: StoreId,
  range: Pick<StatedRange, 'epoch' | 'first' | 'last'>,
): AsyncGenerator<HeldRecord> {
  const epoch = epochIdSchema.safeParse(range.epoch)
  if (!epoch.success) return
  let next: RowsAt = { store, epoch: epoch.data, first: range.first, last: range.last }
  for (;;) {
    const rows = await ledger.rowsAt(next, PAGE_ROWS)
    for (const { header, event, hash } of rows) yield { seq: header.seq, header, event, hash }
    const last = rows.at(-1)
    if (last === undefined) return
    next = { ...next, first: last.header.seq, beyond: last.hash }
  }
}

function inOrder(one: LedgerRow['header'], other: LedgerRow['header']): number {
  return epochOrdinal(one.epoch) - epochOrdinal(other.epoch) || one.seq - other.seq
}
