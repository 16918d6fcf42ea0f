import type { Clock } from '../core/clock.js'
import { StopAndWait, type TerminalLine } from './stop-and-wait.js'
import type { Begun, TillLog } from './till-log.js'
import type { TillSale } from './till-sale.js'

export interface CashRegisterOptions {
  readonly line: TerminalLine
  readonly log: TillLog
  readonly clock: Clock
  /** The frame that says this sale, the same bytes at every repeat. */
  readonly encode: (begun: Begun) => Uint8Array
  readonly makeSale: (n: number) => TillSale
  /** How long the cashier takes before the next sale. */
  readonly pauseMs: () => number
  /** Sells this many in all, over restarts, then stops; without: until told to stop. */
  readonly sales?: number
}

/**
 * A till that stops and waits: a sale is written down, sent, and sent again until acknowledged;
 * only then comes the next. Switched off and on again, it first repeats what it cannot be sure of.
 */
export class CashRegister {
  readonly #options: CashRegisterOptions
  readonly #sender: StopAndWait

  constructor(options: CashRegisterOptions) {
    this.#options = options
    this.#sender = new StopAndWait(options)
  }

  get repeats(): number {
    return this.#sender.repeats
  }

  /** Sells until the signal aborts or all is sold; the sale in hand is finished if it can be. */
  async run(signal: AbortSignal): Promise<void> {
    const { log, makeSale, sales = Number.POSITIVE_INFINITY, clock } = this.#options
    const { unacknowledged } = log.memory
    if (unacknowledged !== undefined) await this.#sell(unacknowledged, signal)
    for (let n = log.memory.sales + 1; n <= sales && !signal.aborted; n += 1) {
      await clock.sleep(this.#options.pauseMs(), signal)
      if (signal.aborted) break
      await this.#sell(log.begin(n, makeSale(n)), signal)
    }
    this.#sender.close()
  }

  async #sell(begun: Begun, signal: AbortSignal): Promise<void> {
    const { log, encode } = this.#options
    if (await this.#sender.deliver(encode(begun), signal)) log.acknowledged(begun.n)
  }
}
