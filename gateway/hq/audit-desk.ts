import { z } from 'zod'
import { storeIdSchema } from '../core/id-schema.js'
import type { Evidence } from './ledger.js'
import { reportStatements, statementReport } from './statement-report.js'
import { reportStore, storeReport } from './stores/store-account.js'

const publicKey = z.string().regex(/^[0-9a-f]{64}$/)

/** What somebody who audits a store may ask of a ledger, or tell it. */
export const auditQuestion = z.discriminatedUnion('ask', [
  z.strictObject({ ask: z.literal('statement'), store: storeIdSchema, day: z.iso.date() }),
  z.strictObject({ ask: z.literal('keys'), store: storeIdSchema }),
  z.strictObject({ ask: z.literal('account'), store: storeIdSchema }),
  z.strictObject({ ask: z.literal('trust-key'), store: storeIdSchema, publicKey }),
])

export type AuditQuestion = z.infer<typeof auditQuestion>

export const auditAnswer = z.strictObject({
  /** Public keys that count as the store's. */
  keys: z.array(publicKey),
  report: statementReport.exactOptional(),
  account: storeReport.exactOptional(),
})

export type AuditAnswer = z.infer<typeof auditAnswer>

/** It trusts no key itself: that is written before. @throws TillbridgeError TB_LEDGER_… */
export async function answerAudit(ledger: Evidence, question: AuditQuestion): Promise<AuditAnswer> {
  const keys = [...(await ledger.keys(question.store))]
  if (question.ask === 'account')
    return { keys, account: await reportStore(ledger, question.store) }
  if (question.ask !== 'statement') return { keys }
  return { keys, report: await reportStatements(ledger, question) }
}
