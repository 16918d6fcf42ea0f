import { z } from 'zod'
import type { Database, Operation } from '../core/database.js'
import { TillbridgeError } from '../core/errors.js'
import { parseJson } from '../core/schema.js'
import { unlessDamaged } from './failure.js'
import { FORMAT_KEY } from './keys.js'

/** Version of the layout in keys.ts, epoch-state.ts and stored-record.ts. */
const FORMAT = 2

/**
 * What a journal says of its layout: its version, and the oldest version whose programs may read
 * and continue it. They ignore keys and members that they do not know, and lose nothing but them.
 */
const formatMark = z.object({ format: z.int().min(1), readableBy: z.int().min(1) })

type FormatMark = z.infer<typeof formatMark>

const OURS: FormatMark = { format: FORMAT, readableBy: FORMAT }

/**
 * What the journal has to say of its layout from now on, or nothing where that stands there
 * already: a newer layout keeps its mark. A new database has none, and holds nothing else.
 * @throws TillbridgeError TB_JOURNAL_FORMAT, or TB_JOURNAL_UNREADABLE where it is no journal.
 */
export async function checkFormat(database: Database): Promise<readonly Operation[]> {
  const value = await database.get(FORMAT_KEY)
  if (value === undefined) {
    for await (const _ of database.iterator({ limit: 1 }))
      throw new TillbridgeError('TB_JOURNAL_UNREADABLE', 'the database is not a journal')
    return [markOf(OURS)]
  }
  const text = Buffer.from(value).toString('utf8')
  const mark = parseMark(text)
  if (mark === undefined)
    throw new TillbridgeError(
      'TB_JOURNAL_UNREADABLE',
      `the journal's format is damaged: ${JSON.stringify(text.slice(0, 40))}`,
    )
  if (mark.readableBy > FORMAT)
    throw new TillbridgeError(
      'TB_JOURNAL_FORMAT',
      `the journal has format ${mark.format}, which format ${mark.readableBy} or later can read; ` +
        `this version reads up to ${FORMAT}`,
    )
  return mark.format < FORMAT ? [markOf(OURS)] : []
}

/** What a journal that was rebuilt from these files has to say: the mark of a newer one is kept. */
export async function formatAfter(source: Database | undefined): Promise<Operation> {
  const value = source && (await unlessDamaged(source.get(FORMAT_KEY)))
  const mark = parseMark(Buffer.from(value ?? []).toString('utf8'))
  const isNewer = value !== undefined && mark !== undefined && mark.format > FORMAT
  return isNewer ? { type: 'put', key: FORMAT_KEY, value } : markOf(OURS)
}

function markOf(mark: FormatMark): Operation {
  return { type: 'put', key: FORMAT_KEY, value: Buffer.from(JSON.stringify(mark)) }
}

/** Format 1 said its number alone. */
function parseMark(text: string): FormatMark | undefined {
  if (text === '1') return { format: 1, readableBy: 1 }
  const json = parseJson(text)
  const parsed = formatMark.safeParse(json.ok ? json.value : undefined)
  return parsed.success ? parsed.data : undefined
}
