import { rmSync } from 'node:fs'
import { z } from 'zod'
import { messageOf, TillbridgeError } from '../../gateway/core/errors.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { journalPaths } from '../../gateway/journal/journal-folder.js'
import type { Recovery } from '../../gateway/journal/recovery.js'
import { isSound, LedgerChecker } from '../../gateway/simulator/ledger-checker.js'
import type { JournalRecord } from '../../gateway/wire/record.js'
import { openKept } from '../journal/open-storage.js'
import { STORE } from '../support/sample.js'
import type { Evidence } from './tortured-shop.js'

export interface Verdict {
  /** Acknowledged sales that had to be there. */
  readonly acknowledged: number
  /** Records read from the journal itself, each verified in the chain. */
  readonly records: number
  /** What is wrong, in words; none is what is promised. */
  readonly findings: readonly string[]
  /** Why it had to be recovered when it was opened. */
  readonly recoveries: readonly string[]
  /**
   * Gaps that this opening named. Where one holds what was acknowledged and HQ does not have, a
   * finding says so besides.
   */
  readonly gaps: number
}

/**
 * Opens the journal of a data directory as the gateway does and holds all that it has, together
 * with what HQ has already, against the tills' own logs, field by field; by the checker that shares
 * no code with either. Opening writes: it wants a copy of a journal that is to go on.
 */
export async function judge(data: string, evidence: Evidence): Promise<Verdict> {
  try {
    const { journal, storage, close } = await openKept(data)
    try {
      const recoveries = storage.recoveries.map(causeOf)
      const { epoch } = journal
      return { ...compare(await readAll(journal), { ...evidence, epoch }), recoveries }
    } finally {
      await close()
    }
  } catch (thrown) {
    const findings = [`it does not open: ${messageOf(thrown)}`]
    return { acknowledged: 0, records: 0, findings, recoveries: [], gaps: 0 }
  }
}

/** After a power cut the computer runs in another boot than the one that the journal knows. */
export function forgetBoot(data: string): void {
  rmSync(journalPaths(data).lock, { force: true })
}

/** Without what differs from case to case. */
function causeOf({ cause }: Recovery): string {
  return cause
    .replaceAll(/\/\S+: /g, '')
    .replaceAll(/\/\S+\//g, '')
    .replaceAll(/\b\d{6}\b/g, 'N')
    .replaceAll(/\b\d+-[0-9a-f]{32}\b/g, 'E')
    .replaceAll(/\b\d+\b/g, 'n')
}

interface Reading {
  readonly records: readonly JournalRecord[]
  /** Places within the journal's extents that it does not give. */
  readonly unreadable: number
}

async function readAll(journal: Journal): Promise<Reading> {
  const records: JournalRecord[] = []
  let unreadable = 0
  for (const { epoch, first, last } of journal.epochs()) {
    for (let next = first; next <= last; ) {
      const range = { epoch, first: next, last, maxBytes: 64 * 1024 }
      const slice = await journal.read(range).catch(unlessDamaged)
      records.push(...(slice?.records ?? []))
      if (slice === undefined) unreadable += 1
      next += slice?.records.length ?? 1
    }
  }
  return { records, unreadable }
}

function unlessDamaged(thrown: unknown): undefined {
  if (thrown instanceof TillbridgeError && thrown.code === 'TB_JOURNAL_UNREADABLE') return undefined
  throw thrown
}

const place = z.object({ epoch: z.string(), seq: z.number(), hash: z.string() })

function compare(
  { records, unreadable }: Reading,
  evidence: Evidence & { readonly epoch: string },
): Omit<Verdict, 'recoveries'> {
  const checker = new LedgerChecker()
  const findings: string[] = []
  for (const line of evidence.tills) checker.addTillLine(line)
  const atHeadquarters = new Map<string, string>()
  for (const line of evidence.rows) {
    checker.addRow(line)
    const { epoch, seq, hash } = place.parse(JSON.parse(line))
    atHeadquarters.set(`${epoch}/${seq}`, hash)
  }
  for (const record of records) {
    const { epoch, seq } = record.header
    const known = atHeadquarters.get(`${epoch}/${seq}`)
    if (known === undefined) checker.addRow(rowOf(record))
    else if (known !== record.hash) findings.push(`${epoch}/${seq}: HQ has another record there`)
  }
  const named = records.filter(({ header }) => header.type === 'journal.gap')
  const gaps = named.filter(({ header }) => header.epoch === evidence.epoch).length
  const report = checker.report({ settled: true })
  findings.push(...report.findings)
  // What is named as lost may be missing: whether it was acknowledged is in the findings above.
  if (named.length === 0 && unreadable > 0) findings.push(`${unreadable} records do not read`)
  if (named.length === 0 && findings.length === 0 && !isSound(report))
    findings.push(`the chain leaves out ${report.chain.unverified} records`)
  return { acknowledged: report.acknowledged, records: records.length, findings, gaps }
}

/** A record as HQ would export it. */
function rowOf({ header, hash, body }: JournalRecord): string {
  const { epoch, seq } = header
  const event = body.type === 'event' ? Buffer.from(body.bytes).toString('utf8') : null
  return JSON.stringify({ store: STORE, epoch, seq, kind: 'event', hash, header, event })
}
