import type { Clock } from '../core/clock.js'
import type { PseudoTerminal } from './pseudo-terminal.js'
import type { TillLog } from './till-log.js'
import type { TillSale } from './till-sale.js'

const ACK = 0x06
const NAK = 0x15

/** Longer than the gateway may take to answer (its dialect's limit): a later answer never comes. */
const ANSWER_TIMEOUT_MS = 3_000
/** A till that was told "not now" does not hammer. */
const NAK_PAUSE_MS = 250
/** How long a till that is switched off still waits for the answer to its last sale. */
const LAST_ANSWER_MS = 4_000

type Answer = 'ack' | 'nak' | 'none'

export interface CashRegisterOptions {
  readonly line: Pick<PseudoTerminal, 'write' | 'onData'>
  readonly log: TillLog
  readonly clock: Clock
  /** The frame that says this sale, the same bytes at every repeat. */
  readonly encode: (sale: TillSale) => Uint8Array
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
  #onAnswer: ((answer: Answer) => void) | undefined
  #repeats = 0

  constructor(options: CashRegisterOptions) {
    this.#options = options
  }

  /** Frames sent again, for want of an acknowledgement. */
  get repeats(): number {
    return this.#repeats
  }

  /** Sells until the signal aborts or all is sold; the sale in hand is finished if it can be. */
  async run(signal: AbortSignal): Promise<void> {
    const { log, line, makeSale, sales = Number.POSITIVE_INFINITY, clock } = this.#options
    const stopListening = line.onData(bytes => this.#hear(bytes))
    try {
      const { unacknowledged } = log.memory
      if (unacknowledged !== undefined)
        await this.#sell(unacknowledged.n, unacknowledged.sale, signal)
      for (let n = log.memory.sales + 1; n <= sales; n += 1) {
        await clock.sleep(this.#options.pauseMs(), signal)
        if (signal.aborted) return
        const sale = makeSale(n)
        log.begin(n, sale)
        await this.#sell(n, sale, signal)
      }
    } finally {
      stopListening()
    }
  }

  async #sell(n: number, sale: TillSale, signal: AbortSignal): Promise<void> {
    const { line, log, clock, encode } = this.#options
    const frame = encode(sale)
    let giveUpAtMs = Number.POSITIVE_INFINITY
    while (clock.monotonicMs() < giveUpAtMs) {
      const answer = this.#answer()
      await line.write(frame)
      const heard = await answer
      if (heard === 'ack') {
        log.acknowledged(n)
        return
      }
      this.#repeats += 1
      if (heard === 'nak') await clock.sleep(NAK_PAUSE_MS)
      if (signal.aborted) giveUpAtMs = Math.min(giveUpAtMs, clock.monotonicMs() + LAST_ANSWER_MS)
    }
  }

  /** Listens from before the frame is sent: what came earlier answers nothing. */
  #answer(): Promise<Answer> {
    return new Promise(resolve => {
      const settle = (answer: Answer): void => {
        this.#onAnswer = undefined
        cancel()
        resolve(answer)
      }
      const cancel = this.#options.clock.after(ANSWER_TIMEOUT_MS, () => settle('none'))
      this.#onAnswer = settle
    })
  }

  #hear(bytes: Uint8Array): void {
    const answer = bytes.find(byte => byte === ACK || byte === NAK)
    if (answer !== undefined) this.#onAnswer?.(answer === ACK ? 'ack' : 'nak')
  }
}
