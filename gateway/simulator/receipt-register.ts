import { formatAmount } from '../core/money.js'
import type { ShopDeviceOptions } from './shop-device.js'
import { basketOf, below, paidOf, totalOf } from './till-sale.js'

/** What it printed last, for whoever compares. */
export interface PrintedSale {
  readonly receiptNumber: string
  readonly totalMinor: number
}

const COLUMNS = 40
/** Of a customer who looks for his money while half of the receipt is printed. */
const PAUSE_MS = 400
/** GS v 0: sixteen dots square, with the bytes of a cut in them. */
const LOGO = Buffer.from(`1d76300002001000${'1d5600ff'.repeat(8)}`, 'hex')
const PULSE = Buffer.from('1b70001964', 'hex')

/**
 * A register that can do nothing but print: sales, some of them twice, some for training, reports,
 * kitchen orders. Its receipts are those of the profile `generic/esc-pos-register`.
 */
export class ReceiptRegister {
  readonly #options: ShopDeviceOptions & { readonly seed: number }
  readonly #sold: PrintedSale[] = []
  #printed = 0

  constructor(options: ShopDeviceOptions & { readonly seed: number }) {
    this.#options = options
  }

  get sold(): readonly PrintedSale[] {
    return this.#sold
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, pauseMs } = this.#options
    while (!signal.aborted) {
      await clock.sleep(pauseMs(), signal)
      if (signal.aborted) return
      await this.#print(signal)
    }
  }

  async #print(signal: AbortSignal): Promise<void> {
    this.#printed += 1
    const number = String(this.#printed).padStart(6, '0')
    const kind = below(this.#options.random, 10)
    if (kind === 7)
      return this.#write(this.#paper(['KITCHEN ORDER', 'Table 7', '2 Fish and chips']))
    if (kind === 8) return this.#write(this.#paper(['X REPORT', row('TOTAL', 123_456)]))
    if (kind === 9) return this.#write(this.#paper(['* TRAINING *', ...this.#sale(number)]))
    const lines = this.#sale(number)
    if (kind === 1) await this.#write(LOGO)
    const paper = this.#paper(lines)
    const half = paper.length >> 1
    await this.#write(paper.subarray(0, half))
    if (kind === 2) await this.#options.clock.sleep(PAUSE_MS, signal)
    await this.#write(paper.subarray(half))
    if (kind % 2 === 0) await this.#write(PULSE)
    this.#sold.push({ receiptNumber: number, totalMinor: totalOf(this.#basket()) })
    if (kind === 3) await this.#write(this.#paper(['*** REPRINT ***', ...lines]))
  }

  #basket() {
    return basketOf(this.#options.seed, this.#printed)
  }

  #sale(number: string): readonly string[] {
    const basket = this.#basket()
    const total = totalOf(basket)
    const paid = paidOf(basket)
    return [
      'CORNER SHOP',
      `Receipt No: ${number}`,
      'Date: 22/11/2026 Time: 18:45',
      `Operator: ${basket.operator}`,
      ...basket.lines.flatMap(({ article, pieces }) => [
        `${pieces} x ${formatAmount(article.priceMinor, 'GBP')}`,
        row(article.description, pieces * article.priceMinor),
      ]),
      row('TOTAL', total),
      row(basket.pays === 'card' ? 'CARD' : 'CASH', paid),
      ...(paid === total ? [] : [row('CHANGE', paid - total)]),
      'Thank you',
    ]
  }

  #paper(lines: readonly string[]): Uint8Array {
    return this.#options.dialect.encode('receipt', { text: lines.join('\n') })
  }

  #write(bytes: Uint8Array): Promise<void> {
    return this.#options.line.write(bytes)
  }
}

function row(words: string, amountMinor: number): string {
  const amount = formatAmount(amountMinor, 'GBP')
  return words + amount.padStart(COLUMNS - words.length)
}
