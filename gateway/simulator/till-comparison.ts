/** Compares one till's own log with its rows in the ledger; part of the ledger checker. */

/** A sale as its till wrote it down before the first byte left. */
export interface LoggedSale {
  /** Counts the till's sales from 1, whatever it prints on its receipts. */
  readonly n: number
  readonly sale: unknown
  readonly print: string
  /** Business day and receipt number, where the till has them. */
  readonly key: string
  acknowledged: boolean
}

/** A sale as it stands in the ledger, where, and what the ledger says about it. */
export interface ComparedRow {
  readonly store: string
  readonly epoch: string
  readonly ordinal: number
  readonly seq: number
  readonly sale: unknown
  readonly print: string
  readonly key: string
  readonly conflict: boolean
  readonly flagged: boolean
}

export interface TillReport {
  /** Sales whose first byte left the till, and those of them whose acknowledgement came back. */
  readonly sent: number
  readonly acknowledged: number
  /** Sales that stand in the ledger as the till sent them. */
  readonly found: number
  /** Acknowledged, not in the ledger yet, and nothing yet says they will not come. */
  readonly waiting: number
  readonly lost: number
  /** Rows that repeat a sale without saying so. */
  readonly doubled: number
  /** Sales that stand there with another content than the till sent. */
  readonly differing: number
  /** Rows no till knows of. */
  readonly unknown: number
  /** Sales in another order than the till sent them. */
  readonly disordered: number
  /** In the ledger though the till never heard so: right for the one sale it was waiting for. */
  readonly unacknowledged: number
  /** Second sales under a number already used, kept beside the first. */
  readonly conflicts: number
  /** Repeats of a till without numbers, flagged as such. */
  readonly possibleRepeats: number
  /** What is wrong, one line each, ready to be read by a person. */
  readonly findings: readonly string[]
}

/** Which row tells of which sale, and what is left over on either side. */
interface Matching {
  readonly matched: ReadonlyMap<LoggedSale, ComparedRow>
  readonly doubled: readonly ComparedRow[]
  readonly differing: readonly { readonly sale: LoggedSale; readonly row: ComparedRow }[]
  readonly unknown: readonly ComparedRow[]
  readonly repeats: number
}

/** What the gateway may add to a sale beyond what a till says: nothing about money or goods. */
const ADDED = new Set(['workstation', 'taxIncluded'])

export function compareTill(till: {
  readonly id: string
  readonly numbered: boolean
  readonly sales: readonly LoggedSale[]
  readonly rows: readonly ComparedRow[]
  /** Whether the ledger holds everything before this row. */
  readonly isFinal: (row: ComparedRow) => boolean
  readonly settled: boolean
}): TillReport {
  const sales = [...till.sales].sort((left, right) => left.n - right.n)
  const rows = [...till.rows].sort((a, b) => a.ordinal - b.ordinal || a.seq - b.seq)
  const matching = till.numbered ? matchByKey(sales, rows) : matchInOrder(sales, rows)
  const { matched, doubled, differing, unknown, repeats } = matching
  const told = new Set([...matched.keys(), ...differing.map(pair => pair.sale)])
  const absent = sales.filter(sale => sale.acknowledged && !told.has(sale))
  const settledTo = till.settled ? Number.POSITIVE_INFINITY : lastSettled(matched, till.isFinal)
  const lost = absent.filter(sale => sale.n <= settledTo)
  const disordered = outOfOrder(matched)
  const pending = sales.filter(sale => !sale.acknowledged && told.has(sale))
  const findings = [
    ...lost.map(sale => `sale ${sale.n} (${sale.key}) was acknowledged and is not in the ledger`),
    ...doubled.map(row => `${row.epoch}/${row.seq} repeats ${row.key}`),
    ...differing.map(
      ({ sale, row }) => `sale ${sale.n} differs in ${differences(sale.sale, row.sale).join(', ')}`,
    ),
    ...unknown.map(row => `${row.epoch}/${row.seq} (${row.key}) was never sent`),
    ...disordered.map(sale => `sale ${sale.n} stands behind a later one`),
    ...(pending.length > 1 ? [`${pending.length} sales stand there without acknowledgement`] : []),
  ]
  return {
    sent: sales.length,
    acknowledged: sales.filter(sale => sale.acknowledged).length,
    found: matched.size,
    waiting: absent.length - lost.length,
    lost: lost.length,
    doubled: doubled.length,
    differing: differing.length,
    unknown: unknown.length,
    disordered: disordered.length,
    unacknowledged: pending.length,
    conflicts: [...matched.values()].filter(row => row.conflict).length,
    possibleRepeats: repeats,
    findings: findings.map(finding => `${till.id}: ${finding}`),
  }
}

/**
 * A till with numbers: rows and sales meet under their key. Several sales under one key (a counter
 * that was reset) are told apart by their content.
 */
function matchByKey(sales: readonly LoggedSale[], rows: readonly ComparedRow[]): Matching {
  const matched = new Map<LoggedSale, ComparedRow>()
  const unused = groupByKey(rows)
  for (const sale of sales) {
    const candidates = unused.get(sale.key) ?? []
    const index = candidates.findIndex(row => row.print === sale.print)
    const [row] = index < 0 ? [] : candidates.splice(index, 1)
    if (row !== undefined) matched.set(sale, row)
  }
  const doubled: ComparedRow[] = []
  const differing: { readonly sale: LoggedSale; readonly row: ComparedRow }[] = []
  const unknown: ComparedRow[] = []
  const unmatched = groupByKey(sales.filter(sale => !matched.has(sale)))
  const prints = new Set(sales.map(sale => sale.print))
  for (const row of [...unused.values()].flat()) {
    const sale = unmatched.get(row.key)?.shift()
    if (prints.has(row.print)) doubled.push(row)
    else if (sale !== undefined) differing.push({ sale, row })
    else unknown.push(row)
  }
  return { matched, doubled, differing, unknown, repeats: 0 }
}

/**
 * A till without numbers: its rows must tell its sales in their order. A row may say the one before
 * it again if it is flagged as a possible repeat; anything else beyond the till's log is wrong.
 */
function matchInOrder(sales: readonly LoggedSale[], rows: readonly ComparedRow[]): Matching {
  const matched = new Map<LoggedSale, ComparedRow>()
  const doubled: ComparedRow[] = []
  const unknown: ComparedRow[] = []
  let repeats = 0
  let next = 0
  let before: ComparedRow | undefined
  for (const row of rows) {
    const index = sales.findIndex((sale, at) => at >= next && sale.print === row.print)
    const sale = sales[index]
    const saysAgain = before?.print === row.print
    if (sale !== undefined && (index === next || !saysAgain)) {
      matched.set(sale, row)
      next = index + 1
    } else if (saysAgain && row.flagged) repeats += 1
    else if (sales.some(sale => sale.print === row.print)) doubled.push(row)
    else unknown.push(row)
    before = row
  }
  return { matched, doubled, differing: [], unknown, repeats }
}

function groupByKey<Item extends { readonly key: string }>(
  items: readonly Item[],
): Map<string, Item[]> {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const group = groups.get(item.key)
    if (group === undefined) groups.set(item.key, [item])
    else group.push(item)
  }
  return groups
}

/** The latest sale behind which nothing older can still be on its way. */
function lastSettled(
  matched: ReadonlyMap<LoggedSale, ComparedRow>,
  isFinal: (row: ComparedRow) => boolean,
): number {
  let last = 0
  for (const [sale, row] of matched) if (sale.n > last && isFinal(row)) last = sale.n
  return last
}

function outOfOrder(matched: ReadonlyMap<LoggedSale, ComparedRow>): LoggedSale[] {
  const inLedger = [...matched].sort(
    ([, left], [, right]) => left.ordinal - right.ordinal || left.seq - right.seq,
  )
  let highest = 0
  return inLedger.flatMap(([sale]) => {
    if (sale.n < highest) return [sale]
    highest = sale.n
    return []
  })
}

/** One spelling per content, so that equal sales compare equal and quickly. */
export function printOf(sale: unknown): string {
  const fields = flatten(sale, '').filter(([path]) => !ADDED.has(path))
  return fields
    .map(([path, value]) => `${path}=${value}`)
    .sort()
    .join('\n')
}

function differences(logged: unknown, stands: unknown): string[] {
  const left = new Map(flatten(logged, ''))
  const right = new Map(flatten(stands, ''))
  const paths = new Set([...left.keys(), ...right.keys()].filter(path => !ADDED.has(path)))
  return [...paths]
    .filter(path => left.get(path) !== right.get(path))
    .map(path => `${path} (${left.get(path)} → ${right.get(path)})`)
}

/** Every leaf with its path: `lineItems.0.amountMinor`, `1250`. */
function flatten(value: unknown, path: string): [string, string][] {
  if (typeof value !== 'object' || value === null) return [[path, JSON.stringify(value)]]
  return Object.entries(value).flatMap(([key, inner]) =>
    flatten(inner, path === '' ? key : `${path}.${key}`),
  )
}
