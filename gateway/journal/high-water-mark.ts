import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { writeDurably } from '../core/durable-file.js'
import { systemCodeOf } from '../core/errors.js'
import { epochIdSchema } from '../core/id-schema.js'
import { parseJson } from '../core/schema.js'
import { digestOf } from '../event/event-identity.js'

/** Epochs that a mark lists; it leaves out the oldest. */
export const MARKED_EPOCHS = 64

const markSchema = z.object({
  v: z.literal(1),
  /** Epochs that hold records, oldest first; the last one is the current. */
  epochs: z
    .array(z.object({ epoch: epochIdSchema, first: z.int().min(1), last: z.int().min(0) }))
    .min(1)
    .max(MARKED_EPOCHS),
  /** Chain hash of the last record of the last epoch. */
  head: z.string().regex(/^[0-9a-f]{64}$/),
  /** A damaged record was met since the journal was opened. */
  suspect: z.boolean(),
})

/**
 * How far the journal had come, kept beside LevelDB: what it names was durable once. LevelDB opens
 * shortened files without a word; only against this does a lost tail show.
 */
export type HighWaterMark = z.infer<typeof markSchema>

/** @throws where the disk refuses: the mark before it stays. */
export async function writeMark(path: string, mark: HighWaterMark): Promise<void> {
  const text = `${JSON.stringify({ ...mark, check: digestOf(mark) })}\n`
  await writeDurably(path, { text, mode: 0o644 })
}

/** The mark of a file; nothing where there is none or it is damaged: it is a help, no more. */
export async function readMark(path: string): Promise<HighWaterMark | undefined> {
  const text = await readFile(path, 'utf8').catch(thrown => {
    if (systemCodeOf(thrown) === undefined) throw thrown
    return ''
  })
  const json = parseJson(text)
  const sealed = z.looseObject({ check: z.string() }).safeParse(json.ok ? json.value : undefined)
  if (!sealed.success) return undefined
  const { check, ...stated } = sealed.data
  const mark = markSchema.safeParse(stated)
  return mark.success && digestOf(stated) === check ? mark.data : undefined
}
