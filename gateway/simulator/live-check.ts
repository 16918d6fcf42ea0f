import { type CheckReport, LedgerChecker } from './ledger-checker.js'
import type { LedgerFeed } from './ledger-feed.js'
import type { LineTail } from './line-tail.js'

/** The ledger checker at work while a shop sells. */
export class LiveCheck {
  readonly #checker = new LedgerChecker()
  readonly #ledger: Pick<LedgerFeed, 'position' | 'read'>
  readonly #tills: readonly LineTail[]

  constructor(options: {
    readonly ledger: Pick<LedgerFeed, 'position' | 'read'>
    readonly tills: readonly LineTail[]
  }) {
    this.#ledger = options.ledger
    this.#tills = options.tills
  }

  /** Rows in the ledger, as far as they were seen. */
  get ledgerRows(): number {
    return this.#ledger.position
  }

  /** Reads what is new on both sides. While HQ cannot be asked, its rows stay as they were. */
  async update(): Promise<CheckReport> {
    // The ledger first: whatever stands there is already in a till's log.
    const rows = await this.#ledger.read().catch(() => [])
    for (const row of rows) this.#checker.addRow(row)
    for (const till of this.#tills) for (const line of till.read()) this.#checker.addTillLine(line)
    return this.#checker.report({ settled: false })
  }
}
