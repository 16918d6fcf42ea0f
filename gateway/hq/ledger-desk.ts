import { z } from 'zod'
import { ledgerIdSchema, storeIdSchema } from '../core/id-schema.js'
import { backupPoint } from './backup-points.js'
import type { Ledger, LedgerRow } from './ledger.js'

/** Rows of the shelf that a report looks at. */
const SHELF_ROWS = 1000

/** What an operator may ask of a ledger, or tell it. */
export const deskQuestion = z.discriminatedUnion('ask', [
  z.strictObject({ ask: z.literal('report') }),
  z.strictObject({ ask: z.literal('begin-backup') }),
  z.strictObject({
    ask: z.literal('end-backup'),
    id: z.int().min(1),
    keep: z.int().min(1),
  }),
])

export type DeskQuestion = z.infer<typeof deskQuestion>

/** How a ledger stands after a question. */
export const deskReport = z.strictObject({
  ledger: ledgerIdSchema,
  since: z.string(),
  /** Oldest first. The oldest that is done is what stores may trim to. */
  backups: z.array(backupPoint),
  /** Events that the broker refused, by store and type; of the first thousand. */
  refused: z.array(
    z.strictObject({ store: storeIdSchema, type: z.string(), events: z.int().min(1) }),
  ),
  /** Of the server that answered, where one did. */
  server: z.json().exactOptional(),
})

export type DeskReport = z.infer<typeof deskReport>

/** @throws TillbridgeError TB_BACKUP_UNKNOWN, TB_LEDGER_… */
export async function answerDesk(ledger: Ledger, question: DeskQuestion): Promise<DeskReport> {
  if (question.ask === 'begin-backup') await ledger.beginBackup()
  if (question.ask === 'end-backup') await ledger.endBackup(question.id, question.keep)
  const refused = countRefused(await ledger.shelf(0, SHELF_ROWS))
  return { ...(await ledger.generation()), backups: [...(await ledger.backups())], refused }
}

function countRefused(rows: readonly LedgerRow[]): DeskReport['refused'] {
  const counts = new Map<string, DeskReport['refused'][number]>()
  for (const { store, header } of rows) {
    const { type } = header
    const key = `${store} ${type}`
    counts.set(key, { store, type, events: (counts.get(key)?.events ?? 0) + 1 })
  }
  return [...counts.values()]
}
