import { z } from 'zod'
import { epochIdSchema } from '../core/id-schema.js'
import type { StoreId } from '../core/ids.js'
import { missingRanges, type RangeSet } from '../core/range-set.js'
import { parseJson } from '../core/schema.js'
import type { JournalRecord } from '../wire/record.js'
import { coverage } from './chain-state.js'
import type { LedgerMemory } from './ledger-memory.js'

/** Gaps of one batch, and ranges of one gap, that alarms name; the rows have them all. */
const NAMED = 8

/** Loose, so that a newer gateway may say more of a gap. */
const gapEvent = z.object({
  type: z.literal('journal.gap'),
  data: z.object({
    epoch: epochIdSchema,
    first: z.int().min(1),
    last: z.int().min(1),
    cause: z.string(),
  }),
})

type NamedGap = z.infer<typeof gapEvent>['data']

/**
 * What a store says that it lost, and how much of that is lost here, too. Receipts call it missing
 * all the same: nobody pretends.
 */
export async function auditGaps(options: {
  readonly memory: LedgerMemory
  readonly store: StoreId
  readonly fresh: readonly JournalRecord[]
}): Promise<readonly string[]> {
  const { memory, store, fresh } = options
  const gaps = fresh.filter(({ header }) => header.type === 'journal.gap').flatMap(readGap)
  const alarms: string[] = []
  for (const gap of gaps.slice(0, NAMED)) {
    const { epoch, first, last, cause } = gap
    const here = coverage(await memory.chain(store, epoch))
    const lost = missingRanges(here, [first, last])
    alarms.push(
      `store ${store}, epoch ${epoch}: records ${first} to ${last} are lost there ` +
        `(${cause.slice(0, 200)}); ${inWords(lost)}.`,
    )
  }
  if (gaps.length > NAMED)
    alarms.push(`store ${store}: ${gaps.length - NAMED} more gaps; see the rows journal.gap.`)
  return alarms
}

function readGap({ body }: JournalRecord): readonly NamedGap[] {
  if (body.type !== 'event') return []
  const json = parseJson(Buffer.from(body.bytes).toString('utf8'))
  const gap = gapEvent.safeParse(json.ok ? json.value : undefined)
  return gap.success ? [gap.data.data] : []
}

function inWords(lost: RangeSet): string {
  if (lost.length === 0) return 'all of them are here'
  const count = lost.reduce((sum, [first, last]) => sum + last - first + 1, 0)
  const named = lost.slice(0, NAMED).map(([first, last]) => `${first} to ${last}`)
  const more = lost.length > NAMED ? ' …' : ''
  return `${count} of them never came here: ${named.join(', ')}${more}`
}
