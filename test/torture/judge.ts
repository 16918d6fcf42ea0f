import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { messageOf } from '../../gateway/core/errors.js'
import { LIMITS } from '../../gateway/core/limits.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { isSound, LedgerChecker } from '../../gateway/simulator/ledger-checker.js'
import { encodeBatch, makeBatch } from '../../gateway/wire/batch.js'
import type { JournalRecord } from '../../gateway/wire/record.js'
import { journalIn } from '../journal/open.js'
import { everyRecord, STORE } from '../support/sample.js'
import type { Headquarters } from './headquarters.js'
import { repairDatabase } from './small-database.js'
import { type Evidence, type TorturedShop, tillsOf } from './tortured-shop.js'

const CHECKER = new URL('../../gateway/simulator/ledger-checker.js', import.meta.url).pathname

export interface Verdict {
  /** Acknowledged sales that had to be there. */
  readonly acknowledged: number
  /** Records read from the journal itself, each verified in the chain. */
  readonly records: number
  /** What is wrong, in words; none is what is promised. */
  readonly findings: readonly string[]
  /** Records that the journal says it lost; where one was acknowledged, a finding says so. */
  readonly gaps: number
  /**
   * Why it did not open as it stood, and whether it did after LevelDB's own repair. Where it did
   * not, nothing could be looked for.
   */
  readonly refusal?: { readonly reason: string; readonly isMended: boolean }
}

/**
 * Opens a journal as the gateway would and holds all that it has, together with what HQ has
 * already, against the tills' own logs, field by field; by the checker that shares no code with
 * either. Opening writes: it wants a copy of a journal that is to go on.
 */
export async function judge(directory: string, evidence: Evidence): Promise<Verdict> {
  const opened = await journalIn(directory).catch(causeOf)
  if (typeof opened !== 'string') return judgeOpened(opened, evidence)
  try {
    await repairDatabase(directory)
    const verdict = await judgeOpened(await journalIn(directory), evidence)
    return { ...verdict, refusal: { reason: opened, isMended: true } }
  } catch (thrown) {
    const refusal = { reason: `${opened}; repaired: ${causeOf(thrown)}`, isMended: false }
    return { ...NOTHING, findings: [], refusal }
  }
}

const NOTHING = { acknowledged: 0, records: 0, gaps: 0 }

async function judgeOpened(journal: Journal, evidence: Evidence): Promise<Verdict> {
  try {
    return compare(await everyRecord(journal), evidence)
  } catch (thrown) {
    return { ...NOTHING, findings: [`it does not read: ${causeOf(thrown)}`] }
  } finally {
    await journal.close()
  }
}

/**
 * The judged journal itself, where only a repair opened its copy: so that it can go on.
 * Gives whether it can.
 */
export async function mend(directory: string, { refusal }: Verdict): Promise<boolean> {
  if (refusal?.isMended === true) await repairDatabase(directory)
  return refusal?.isMended !== false
}

/** What was said, without what differs from case to case. */
function causeOf(thrown: unknown): string {
  return messageOf(thrown)
    .replaceAll(/\/\S+: /g, '')
    .replaceAll(/\/\S+\//g, '')
    .replaceAll(/\b\d{6}\b/g, 'N')
    .replaceAll(/record \d+ of epoch \S+/g, 'a record')
}

const place = z.object({ epoch: z.string(), seq: z.number(), hash: z.string() })

function compare(records: readonly JournalRecord[], evidence: Evidence): Verdict {
  const checker = new LedgerChecker()
  const findings: string[] = []
  let gaps = 0
  for (const line of evidence.tills) checker.addTillLine(line)
  const atHeadquarters = new Map<string, string>()
  for (const line of evidence.rows) {
    checker.addRow(line)
    const { epoch, seq, hash } = place.parse(JSON.parse(line))
    atHeadquarters.set(`${epoch}/${seq}`, hash)
  }
  for (const record of records) {
    const { epoch, seq, type } = record.header
    const known = atHeadquarters.get(`${epoch}/${seq}`)
    if (known === undefined) checker.addRow(rowOf(record))
    else if (known !== record.hash) findings.push(`${epoch}/${seq}: HQ has another record there`)
    if (type === 'journal.gap') gaps += 1
  }
  const report = checker.report({ settled: true })
  findings.push(...report.findings)
  if (findings.length === 0 && gaps === 0 && !isSound(report))
    findings.push(`unverified: ${report.chain.unverified}`)
  return { acknowledged: report.acknowledged, records: records.length, findings, gaps }
}

/** A record as HQ would export it. */
function rowOf({ header, hash, body }: JournalRecord): string {
  const { epoch, seq } = header
  const event = body.type === 'event' ? Buffer.from(body.bytes).toString('utf8') : null
  return JSON.stringify({ store: STORE, epoch, seq, kind: 'event', hash, header, event })
}

/**
 * Lets all that the journal still holds go to HQ, over real batches and receipts, and has the
 * checker judge HQ's rows alone, as the program that a user would start. Gives its findings.
 */
export async function finalVerdict(options: {
  /** Holds the tills' logs; HQ's rows are put there, too. */
  readonly directory: string
  readonly journal: string
  readonly shop: TorturedShop
}): Promise<readonly string[]> {
  const { directory, shop } = options
  const journal = await journalIn(options.journal)
  try {
    await drain(journal, shop.headquarters)
  } finally {
    await journal.close()
  }
  const ledger = join(directory, 'rows.ndjson')
  const rows = await shop.headquarters.rows()
  writeFileSync(ledger, rows.map(row => `${row}\n`).join(''))
  const args = [CHECKER, '--tills', tillsOf(directory), '--ledger', ledger]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  const { alarms } = shop.headquarters
  return status === 0 ? alarms : [...alarms, stdout, stderr]
}

/** What an uplink does once the line is back, without the line. */
async function drain(journal: Journal, headquarters: Headquarters): Promise<void> {
  for (;;) {
    const waiting = journal.epochs().find(({ pending }) => pending.length > 0)
    const [range] = waiting?.pending ?? []
    if (waiting === undefined || range === undefined) return
    const [first, end] = range
    const last = Math.min(end, first + LIMITS.batchRecords - 1)
    const read = { epoch: waiting.epoch, first, last, maxBytes: LIMITS.batchBytes }
    const { previous, records } = await journal.read(read)
    const batch = makeBatch({ store: STORE, previous, records, historical: true })
    await journal.confirm(await headquarters.take(await encodeBatch(batch)))
  }
}
