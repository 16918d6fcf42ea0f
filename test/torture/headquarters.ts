import { LIMITS } from '../../gateway/core/limits.js'
import type { Ledger } from '../../gateway/hq/ledger.js'
import { exportRows } from '../../gateway/hq/query-server.js'
import { decodeBatch } from '../../gateway/wire/batch.js'
import type { EpochReceipt } from '../../gateway/wire/receipt.js'
import { ledgerIn } from '../hq/open.js'
import { STORE } from '../support/sample.js'

/** HQ's side of a tortured shop: the LevelDB ledger behind the real batches and receipts. */
export class Headquarters {
  readonly #ledger: Ledger
  /** What it complained of: forks, breaks, lost tails. */
  readonly alarms: string[] = []
  /** How many rows it had after each batch. */
  readonly growth: number[] = []

  private constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  static async open(directory: string): Promise<Headquarters> {
    return new Headquarters(await ledgerIn(directory))
  }

  /** Commits a batch as it came over the wire; the receipt lets all go that it confirms. */
  async take(payload: Uint8Array): Promise<readonly EpochReceipt[]> {
    const batch = await decodeBatch(payload)
    if (!batch.ok) throw new Error(`a batch that cannot be read: ${batch.error}`)
    this.alarms.push(...(await this.#ledger.commit(batch.value)).alarms)
    const before = this.growth.at(-1) ?? 0
    const fresh = await this.#ledger.rows(before, LIMITS.batchRecords)
    this.growth.push(before + fresh.length)
    const { epochs } = await this.#ledger.receipt(STORE)
    return epochs.map(receipt => ({ ...receipt, safe: receipt.upTo }))
  }

  /** The lines of `tillbridge hq export`. */
  async rows(): Promise<readonly string[]> {
    const lines: string[] = []
    for await (const line of exportRows(this.#ledger, 0)) lines.push(line.trimEnd())
    return lines
  }

  close(): Promise<void> {
    return this.#ledger.close()
  }
}
