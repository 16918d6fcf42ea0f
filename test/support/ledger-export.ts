import { z } from 'zod'
import { readTillLog } from '../../gateway/simulator/till-log.js'

const row = z.object({
  kind: z.string(),
  recordedMs: z.number(),
  header: z.object({ type: z.string() }),
  event: z.string().nullable(),
})

const event = z.object({
  id: z.string(),
  source: z.string(),
  terminal: z.string(),
  data: z.object({ receiptNumber: z.string().optional() }),
})

type Row = z.infer<typeof row>

function rowsOf(lines: string): Row[] {
  return lines
    .split('\n')
    .filter(line => line !== '')
    .map(line => row.parse(JSON.parse(line)))
}

/** How many rows of an export hold an event of this type, repeats not counted. */
export function countOf(lines: string, type: string): number {
  return rowsOf(lines).filter(({ kind, header }) => kind === 'event' && header.type === type).length
}

/** From a sale's first byte to its commit in the ledger; milliseconds since 1970. */
export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/** The spans of all sales of tills whose receipt numbers are unique. */
export function saleSpans(lines: string, tillLogs: readonly string[]): Span[] {
  const recorded = new Map<string, number>()
  for (const { header, event: text, recordedMs } of rowsOf(lines)) {
    if (header.type !== 'sale.completed' || text === null) continue
    const { terminal, data } = event.parse(JSON.parse(text))
    const key = `${terminal}/${data.receiptNumber}`
    recorded.set(key, Math.min(recorded.get(key) ?? Number.POSITIVE_INFINITY, recordedMs))
  }
  return tillLogs.flatMap(readTillLog).flatMap(entry => {
    if (entry.type !== 'sale') return []
    const toMs = recorded.get(`${entry.till}/${entry.sale.receiptNumber}`)
    return toMs === undefined ? [] : [{ fromMs: entry.atMs, toMs }]
  })
}

/** The value below which this share of all lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
