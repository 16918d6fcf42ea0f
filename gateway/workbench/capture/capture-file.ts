import { z } from 'zod'
import { fromHex, toHex } from '../../core/bytes.js'
import { fail, ok, type Result } from '../../core/result.js'
import { describeIssues, parseJson, parseWith } from '../../core/schema.js'
import type { TimedBytes } from '../listen.js'

/** The first line of a capture (docs/capture-format.md). */
const headSchema = z.strictObject({
  format: z.literal('tillbridge-capture'),
  version: z.literal(1),
  startedAt: z.iso.datetime({ offset: true }),
  /** What was opened: a path, `host:port`. */
  address: z.string(),
  baudRate: z.int().exactOptional(),
  mode: z.string().exactOptional(),
})

const entrySchema = z.union([
  z.strictObject({
    atMs: z.number().min(0),
    from: z.enum(['terminal', 'host']),
    hex: z.string().regex(/^([0-9a-f]{2})+$/),
  }),
  /** So many bytes held what may not be kept. */
  z.strictObject({
    atMs: z.number().min(0),
    from: z.enum(['terminal', 'host']),
    dropped: z.string(),
    bytes: z.int(),
  }),
  z.strictObject({ atMs: z.number().min(0), end: z.enum(['stopped', 'lost']), reason: z.string() }),
])

export type CaptureHead = z.output<typeof headSchema>
export type CaptureEntry = z.output<typeof entrySchema>

export interface CaptureFile {
  readonly head: CaptureHead
  readonly entries: readonly CaptureEntry[]
}

export function captureLine(line: CaptureHead | CaptureEntry): string {
  return JSON.stringify(line)
}

export function chunkEntry({ atMs, from, bytes }: TimedBytes): CaptureEntry {
  return { atMs: Math.round(atMs * 1000) / 1000, from, hex: toHex(bytes) }
}

/** What passed, in the order of time, without what was dropped. */
export function chunksOf({ entries }: CaptureFile): readonly TimedBytes[] {
  return entries
    .flatMap(entry =>
      'hex' in entry ? [{ atMs: entry.atMs, from: entry.from, bytes: fromHex(entry.hex) }] : [],
    )
    .sort((left, right) => left.atMs - right.atMs)
}

/** A last line that was cut off by a power cut is let go; any other fault names its line. */
export function parseCapture(text: string): Result<CaptureFile, string> {
  const [first = '', ...rest] = text.split('\n')
  const head = parseLine(headSchema, first)
  if (!head.ok) return fail(`line 1: ${head.error}`)
  const entries: CaptureEntry[] = []
  const lines = rest.filter(line => line !== '')
  for (const [index, line] of lines.entries()) {
    const entry = parseLine(entrySchema, line)
    if (entry.ok) entries.push(entry.value)
    else if (index < lines.length - 1 || text.endsWith('\n'))
      return fail(`line ${index + 2}: ${entry.error}`)
  }
  return ok({ head: head.value, entries })
}

function parseLine<Value>(schema: z.ZodType<Value>, line: string): Result<Value, string> {
  const json = parseJson(line)
  if (!json.ok) return json
  const parsed = parseWith(schema, json.value)
  return parsed.ok ? parsed : fail(describeIssues(parsed.error))
}
