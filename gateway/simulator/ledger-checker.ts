import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type ChainReport, epochOrdinal, LedgerChain, member } from './ledger-chain.js'
import {
  type ComparedRow,
  compareTill,
  type LoggedSale,
  printOf,
  type TillReport,
} from './till-comparison.js'

/**
 * Compares what the tills wrote down themselves with what stands in HQ's ledger. It shares no code
 * with what it checks (this file, ledger-chain and till-comparison import Node and each other
 * only), so that one misunderstanding cannot hide on both sides.
 */

/** What was found of all tills together, of each alone, and of the chain. */
export interface CheckReport extends TillReport {
  readonly tills: Readonly<Record<string, TillReport>>
  readonly chain: ChainReport
}

interface Till {
  readonly id: string
  numbered: boolean
  readonly sales: Map<number, LoggedSale>
  readonly rows: ComparedRow[]
}

/** Fed lines of the tills' logs and of the ledger's export as they come; reports at any time. */
export class LedgerChecker {
  readonly #tills = new Map<string, Till>()
  readonly #chains = new Map<string, LedgerChain>()

  /** One line of a till's own log. @throws SyntaxError where it is no JSON. */
  addTillLine(line: string): void {
    const entry: unknown = JSON.parse(line)
    const till = this.#till(text(member(entry, 'till')))
    const type = member(entry, 'type')
    if (type === 'till') {
      till.numbered = member(entry, 'numbered') === true
      return
    }
    const n = Number(member(entry, 'n'))
    const sale = member(entry, 'sale')
    if (type === 'sale')
      till.sales.set(n, { n, sale, print: printOf(sale), acknowledged: false, key: keyOf(sale) })
    const known = till.sales.get(n)
    if (type === 'acknowledged' && known !== undefined) known.acknowledged = true
  }

  /** One line of `tillbridge hq export`. @throws SyntaxError where it is no JSON. */
  addRow(line: string): void {
    const row: unknown = JSON.parse(line)
    const store = text(member(row, 'store'))
    const epoch = text(member(row, 'epoch'))
    const seq = Number(member(row, 'seq'))
    const event = member(row, 'event')
    const body = typeof event === 'string' ? event : null
    this.#chain(store).add({
      epoch,
      seq,
      hash: text(member(row, 'hash')),
      header: member(row, 'header'),
      event: body,
    })
    const kind = member(row, 'kind')
    if (body === null || kind === 'duplicate') return
    const parsed: unknown = JSON.parse(body)
    const type = text(member(parsed, 'type'))
    if (!type.startsWith('sale.')) return
    const data = member(parsed, 'data')
    const sale = typeof data === 'object' ? { ...data, type } : { type }
    this.#till(text(member(parsed, 'terminal'))).rows.push({
      store,
      epoch,
      ordinal: epochOrdinal(epoch),
      seq,
      sale,
      print: printOf(sale),
      key: keyOf(sale),
      conflict: kind === 'conflict',
      flagged: member(parsed, 'possiblerepeat') === true,
    })
  }

  /**
   * While a shop is selling, an acknowledged sale may still be on its way: it is lost only when
   * the ledger holds everything around it. `settled` says that nothing more will come.
   */
  report(options: { readonly settled: boolean }): CheckReport {
    const isFinal = (row: ComparedRow): boolean =>
      this.#chains.get(row.store)?.isSettled(row) ?? false
    const compared = [...this.#tills.values()].map(till => {
      const sales = [...till.sales.values()]
      return [till.id, compareTill({ ...till, sales, isFinal, settled: options.settled })] as const
    })
    const chain = addChains([...this.#chains.values()].map(one => one.report()))
    const together = addTills(compared.map(([, report]) => report))
    const findings = [...together.findings, ...chain.breaks]
    return { ...together, findings, tills: Object.fromEntries(compared), chain }
  }

  #till(id: string): Till {
    const known = this.#tills.get(id)
    if (known !== undefined) return known
    const made: Till = { id, numbered: true, sales: new Map(), rows: [] }
    this.#tills.set(id, made)
    return made
  }

  #chain(store: string): LedgerChain {
    const known = this.#chains.get(store)
    if (known !== undefined) return known
    const made = new LedgerChain()
    this.#chains.set(store, made)
    return made
  }
}

/** Whether a settled report may be called good: the exit code of the program. */
export function isSound(report: CheckReport): boolean {
  return report.findings.length === 0 && report.waiting === 0 && report.chain.unverified === 0
}

function addTills(reports: readonly TillReport[]): TillReport {
  const sum = (pick: (one: TillReport) => number): number =>
    reports.reduce((total, one) => total + pick(one), 0)
  return {
    sent: sum(one => one.sent),
    acknowledged: sum(one => one.acknowledged),
    found: sum(one => one.found),
    waiting: sum(one => one.waiting),
    lost: sum(one => one.lost),
    doubled: sum(one => one.doubled),
    differing: sum(one => one.differing),
    unknown: sum(one => one.unknown),
    disordered: sum(one => one.disordered),
    unacknowledged: sum(one => one.unacknowledged),
    conflicts: sum(one => one.conflicts),
    possibleRepeats: sum(one => one.possibleRepeats),
    findings: reports.flatMap(one => one.findings),
  }
}

function addChains(reports: readonly ChainReport[]): ChainReport {
  const sum = (pick: (one: ChainReport) => number): number =>
    reports.reduce((total, one) => total + pick(one), 0)
  return {
    epochs: sum(one => one.epochs),
    records: sum(one => one.records),
    verified: sum(one => one.verified),
    unverified: sum(one => one.unverified),
    breaks: reports.flatMap(one => one.breaks),
  }
}

/** A till's own key of a sale: business day and receipt number. */
function keyOf(sale: unknown): string {
  return `${member(sale, 'businessDay')} ${member(sale, 'receiptNumber')}`
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new SyntaxError(`a text is missing, found ${typeof value}`)
  return value
}

/** Whole lines only: a till killed while writing leaves a torn one, which it never acted upon. */
function wholeLines(path: string): string[] {
  const content = readFileSync(path, 'utf8')
  return content
    .slice(0, content.lastIndexOf('\n') + 1)
    .split('\n')
    .slice(0, -1)
}

function main(): number {
  const { values } = parseArgs({
    options: { tills: { type: 'string' }, ledger: { type: 'string' } },
  })
  const { tills, ledger } = values
  if (tills === undefined || ledger === undefined) {
    process.stderr.write('usage: ledger-checker --tills DIR --ledger rows.ndjson\n')
    return 2
  }
  const checker = new LedgerChecker()
  for (const file of readdirSync(tills).filter(file => file.endsWith('.ndjson')))
    for (const line of wholeLines(join(tills, file))) checker.addTillLine(line)
  for (const line of wholeLines(ledger)) checker.addRow(line)
  const report = checker.report({ settled: true })
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  return isSound(report) ? 0 : 1
}

// Also a program: what it says must not depend on a process of ours running it.
if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main()
