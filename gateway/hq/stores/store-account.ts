import { z } from 'zod'
import { epochIdSchema } from '../../core/id-schema.js'
import { epochOrdinal, type StoreId } from '../../core/ids.js'
import { LIMITS } from '../../core/limits.js'
import { missingRanges, type RangeSet } from '../../core/range-set.js'
import { decodeJson } from '../../core/schema.js'
import { type NumberedReceipt, receiptGaps } from '../../reconcile/receipt-gaps.js'
import { type ChainState, coverage } from '../chain-state.js'
import type { Evidence, LedgerRow, RowsAt, StoreAccount } from '../ledger.js'
import { speakInTurns } from '../store-state.js'

const ranges = z.array(z.tuple([z.int(), z.int()]))

/** What a store has delivered, and what is known to be missing of it. */
export const storeReport = z.object({
  epochs: z.int(),
  records: z.int(),
  newest: z
    .object({ epoch: epochIdSchema, last: z.int(), recordedAt: z.string().exactOptional() })
    .exactOptional(),
  /** Records that the store said it has, or that later ones came behind, and that never came. */
  undelivered: z.array(z.object({ epoch: epochIdSchema, missing: ranges })),
  /** Epochs that speak in turns: two gateways. */
  turns: z.array(epochIdSchema),
  /** Numbers that are missing in the counters of tills, among the newest records. */
  tills: z.array(
    z.object({
      terminal: z.string(),
      after: z.int(),
      before: z.int(),
      day: z.string().exactOptional(),
      missing: ranges,
    }),
  ),
  /** Records whose receipt numbers were looked at. */
  looked: z.int(),
})

export type StoreReport = z.infer<typeof storeReport>

const PAGE_ROWS = 500

/** What HQ can say of a store's gateway, alive or dead, from what it delivered. */
export async function reportStore(ledger: Evidence, store: StoreId): Promise<StoreReport> {
  const { state, chains } = await ledger.account(store)
  const rows = await newestRows(ledger, store, chains)
  const newest = rows.reduce(
    (latest: LedgerRow | undefined, row) =>
      latest !== undefined && latest.position > row.position ? latest : row,
    undefined,
  )
  const gaps = receiptGaps(byCommit(rows).flatMap(readReceipt))
  return {
    epochs: chains.length,
    records: chains.reduce((sum, chain) => sum + lengthOf(coverage(chain)), 0),
    ...(newest === undefined ? {} : { newest: placeOf(newest, chains) }),
    undelivered: undeliveredOf({ state, chains }),
    turns: [...speakInTurns(state)],
    tills: gaps.map(({ terminal, after, before, missing }) => ({
      terminal,
      after: after.number,
      before: before.number,
      ...(before.day === undefined ? {} : { day: before.day }),
      missing: pairsOf(missing),
    })),
    looked: rows.length,
  }
}

function undeliveredOf({ state, chains }: StoreAccount): StoreReport['undelivered'] {
  const announced = new Map(state.announced?.map(({ epoch, last }) => [epoch, last]))
  for (const { epoch } of chains) if (!announced.has(epoch)) announced.set(epoch, 0)
  return [...announced]
    .sort(([one], [other]) => epochOrdinal(one) - epochOrdinal(other))
    .flatMap(([epoch, last]) => {
      const chain = chains.find(each => each.epoch === epoch)
      const here = chain === undefined ? [] : coverage(chain)
      const end = Math.max(last, chain?.end?.last ?? 0, here.at(-1)?.[1] ?? 0)
      const missing = pairsOf(end === 0 ? [] : missingRanges(here, [1, end]))
      return missing.length === 0 ? [] : [{ epoch, missing }]
    })
}

function pairsOf(set: RangeSet): [number, number][] {
  return set.map(([first, last]) => [first, last])
}

/** Of the newest epochs, as many as a question may look at. */
async function newestRows(
  ledger: Evidence,
  store: StoreId,
  chains: readonly ChainState[],
): Promise<readonly LedgerRow[]> {
  const rows: LedgerRow[] = []
  for (const chain of chains.toReversed())
    for (const [first, last] of coverage(chain).toReversed()) {
      const room = LIMITS.accountRecords - rows.length
      if (room <= 0) return rows
      let next: RowsAt = {
        ...{ store, epoch: chain.epoch, last },
        first: Math.max(first, last - room + 1),
      }
      for (;;) {
        const page = await ledger.rowsAt(next, PAGE_ROWS)
        rows.push(...page)
        const end = page.at(-1)
        if (end === undefined) break
        next = { ...next, first: end.header.seq, beyond: end.hash }
      }
    }
  return rows
}

/** A backlog comes late; its numbers are none that are missing, wherever they stand. */
function byCommit(rows: readonly LedgerRow[]): readonly LedgerRow[] {
  return rows.toSorted((one, other) => one.position - other.position)
}

/** Loose: rows of older and newer gateways, too. */
const numbered = z.object({
  terminal: z.string(),
  data: z.object({
    receiptNumber: z.string().regex(/^\d{1,12}$/),
    businessDay: z.string().optional(),
  }),
})

function readReceipt({ header, event, kind }: LedgerRow): readonly NumberedReceipt[] {
  if (!header.type.startsWith('sale.') || event === undefined || kind === 'conflict') return []
  const read = decodeJson(numbered, event)
  if (!read.ok) return []
  const { terminal, data } = read.value
  const { businessDay: day, receiptNumber } = data
  return [{ terminal, number: Number(receiptNumber), ...(day === undefined ? {} : { day }) }]
}

/** Of the epoch that a record came from last: records of one may come in any order. */
function placeOf(
  { header, recordedMs }: LedgerRow,
  chains: readonly ChainState[],
): NonNullable<StoreReport['newest']> {
  const { epoch } = header
  const chain = chains.find(each => each.epoch === epoch)
  const last = (chain && coverage(chain).at(-1)?.[1]) ?? header.seq
  return { epoch, last, recordedAt: new Date(recordedMs).toISOString() }
}

function lengthOf(set: RangeSet): number {
  return set.reduce((sum, [first, last]) => sum + last - first + 1, 0)
}
