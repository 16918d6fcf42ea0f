import { once } from 'node:events'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { type ZodType, z } from 'zod'
import { type ErrorCode, isErrorCode, systemCodeOf, TillbridgeError } from '../core/errors.js'
import type { StoreId } from '../core/ids.js'
import { decodeJson } from '../core/schema.js'
import { type AuditAnswer, type AuditQuestion, answerAudit, auditAnswer } from '../hq/audit-desk.js'
import { answerDesk, type DeskQuestion, type DeskReport, deskReport } from '../hq/ledger-desk.js'
import {
  answerTracking,
  type TrackingAnswer,
  type TrackingQuestion,
  trackingAnswer,
} from '../hq/tracking-desk.js'
import type { PublicKey } from '../security/signature.js'
import { type LedgerPlace, openLedger, openLedgerToRead } from './hq-ledger.js'
import { querySocket } from './hq-process.js'

const refusal = z.object({ code: z.string(), message: z.string() })

/**
 * Asks the HQ that runs on an embedded ledger, or the ledger itself where none does; a PostgreSQL
 * ledger is asked beside the servers that use it.
 * @throws TillbridgeError TB_BACKUP_UNKNOWN, TB_LEDGER_…
 */
export async function askLedger(place: LedgerPlace, question: DeskQuestion): Promise<DeskReport> {
  if (place.type === 'directory') {
    const asked = { path: '/desk', question, answer: deskReport }
    const answer = await askRunning(querySocket(place.dataDir), asked)
    if (answer !== undefined) return answer
  }
  const ledger = await openLedger(place)
  try {
    return await answerDesk(ledger, question)
  } finally {
    await ledger.close()
  }
}

/**
 * As `askLedger`, for what an auditor asks: a right to read a PostgreSQL ledger is enough, but to
 * trust a key.
 * @throws TillbridgeError TB_LEDGER_…
 */
export async function auditLedger(
  place: LedgerPlace,
  question: AuditQuestion,
): Promise<AuditAnswer> {
  if (place.type === 'directory') {
    const asked = { path: '/audit', question, answer: auditAnswer }
    const answer = await askRunning(querySocket(place.dataDir), asked)
    if (answer !== undefined) return answer
  }
  if (question.ask === 'trust-key') await trustKey(place, question)
  const ledger = await openLedgerToRead(place)
  try {
    return await answerAudit(ledger, question)
  } finally {
    await ledger.close()
  }
}

/**
 * As `askLedger`; a right to read a PostgreSQL ledger is enough.
 * @throws TillbridgeError TB_LEDGER_…
 */
export async function trackInLedger(
  place: LedgerPlace,
  question: TrackingQuestion,
): Promise<TrackingAnswer> {
  if (place.type === 'directory') {
    const asked = { path: '/track', question, answer: trackingAnswer }
    const answer = await askRunning(querySocket(place.dataDir), asked)
    if (answer !== undefined) return answer
  }
  const ledger = await openLedgerToRead(place)
  try {
    return await answerTracking(ledger, question)
  } finally {
    await ledger.close()
  }
}

async function trustKey(
  place: LedgerPlace,
  trusted: { readonly store: StoreId; readonly publicKey: PublicKey },
): Promise<void> {
  const ledger = await openLedger(place)
  try {
    await ledger.trustKey(trusted.store, trusted.publicKey)
  } finally {
    await ledger.close()
  }
}

/** Nothing where no HQ runs there. */
async function askRunning<Answer>(
  socketPath: string,
  asking: {
    readonly path: string
    readonly question: DeskQuestion | AuditQuestion | TrackingQuestion
    readonly answer: ZodType<Answer>
  },
): Promise<Answer | undefined> {
  const { path, question, answer } = asking
  const asked = request({ socketPath, path, method: 'POST' })
  asked.end(JSON.stringify(question))
  try {
    const [response] = await once(asked, 'response')
    const body = Buffer.from(await text(response))
    if (response.statusCode !== 200) throw refusedWith(body)
    const report = decodeJson(answer, body)
    if (report.ok) return report.value
    throw new TillbridgeError('TB_INTERNAL', `HQ gave an answer of another kind: ${report.error}`)
  } catch (thrown) {
    const code = systemCodeOf(thrown)
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return undefined
    throw thrown
  }
}

function refusedWith(body: Uint8Array): TillbridgeError {
  const refused = decodeJson(refusal, body)
  if (!refused.ok) return new TillbridgeError('TB_INTERNAL', refused.error)
  const { code, message } = refused.value
  const known: ErrorCode = isErrorCode(code) ? code : 'TB_INTERNAL'
  return new TillbridgeError(known, message)
}
