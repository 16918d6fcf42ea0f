import { once } from 'node:events'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { type ErrorCode, isErrorCode, systemCodeOf, TillbridgeError } from '../core/errors.js'
import { decodeJson } from '../core/schema.js'
import { answerDesk, type DeskQuestion, type DeskReport, deskReport } from '../hq/ledger-desk.js'
import { type LedgerPlace, openLedger } from './hq-ledger.js'
import { querySocket } from './hq-process.js'

const refusal = z.object({ code: z.string(), message: z.string() })

/**
 * Asks the HQ that runs on an embedded ledger, or the ledger itself where none does; a PostgreSQL
 * ledger is asked beside the servers that use it.
 * @throws TillbridgeError TB_BACKUP_UNKNOWN, TB_LEDGER_…
 */
export async function askLedger(place: LedgerPlace, question: DeskQuestion): Promise<DeskReport> {
  if (place.type === 'directory') {
    const answer = await askRunning(querySocket(place.dataDir), question)
    if (answer !== undefined) return answer
  }
  const ledger = await openLedger(place)
  try {
    return await answerDesk(ledger, question)
  } finally {
    await ledger.close()
  }
}

async function askRunning(
  socketPath: string,
  question: DeskQuestion,
): Promise<DeskReport | undefined> {
  const asked = request({ socketPath, path: '/desk', method: 'POST' })
  asked.end(JSON.stringify(question))
  try {
    const [response] = await once(asked, 'response')
    const body = Buffer.from(await text(response))
    if (response.statusCode !== 200) throw refusedWith(body)
    const report = decodeJson(deskReport, body)
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
