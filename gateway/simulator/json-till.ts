import { z } from 'zod'
import { rfc3339 } from '../core/clock.js'
import { decodeJson } from '../core/schema.js'
import type { ShopDeviceOptions } from './shop-device.js'
import { below } from './till-sale.js'

/** A line that never ends is forgotten. */
const LINE_CHARACTERS = 1000

const told = z.discriminatedUnion('command', [
  z.object({ command: z.literal('set-price'), plu: z.string(), priceMinor: z.int() }),
  z.object({ command: z.literal('set-stock'), plu: z.string(), quantity: z.int() }),
])

/** A till that speaks JSON: each sale is one article at the price that it was told last. */
export class JsonTill {
  readonly #options: ShopDeviceOptions & { readonly timeZone: string }
  readonly #prices = new Map([['1001', 100]])
  readonly #stock = new Map<string, number>()
  #line = ''

  constructor(options: ShopDeviceOptions & { readonly timeZone: string }) {
    this.#options = options
  }

  async run(signal: AbortSignal): Promise<void> {
    const { line, clock, pauseMs } = this.#options
    const stopListening = line.onData(bytes => this.#hear(bytes))
    while (!signal.aborted) {
      await clock.sleep(pauseMs(), signal)
      if (!signal.aborted) await this.#sell()
    }
    stopListening()
  }

  #hear(bytes: Uint8Array): void {
    this.#line += Buffer.from(bytes).toString('latin1')
    const lines = this.#line.split('\n')
    this.#line = (lines.pop() ?? '').slice(-LINE_CHARACTERS)
    for (const line of lines) {
      const command = decodeJson(told, Buffer.from(line))
      if (!command.ok) continue
      const { value } = command
      if (value.command === 'set-price') this.#prices.set(value.plu, value.priceMinor)
      else this.#stock.set(value.plu, value.quantity)
    }
  }

  /** Of what is there; an article whose stock it was never told is there. */
  async #sell(): Promise<void> {
    const { line, dialect, clock, random, timeZone } = this.#options
    const wares = [...this.#prices].filter(([plu]) => this.#stock.get(plu) !== 0)
    const [plu, amountMinor] = wares[below(random, wares.length)] ?? []
    if (plu === undefined || amountMinor === undefined) return
    const left = this.#stock.get(plu)
    if (left !== undefined) this.#stock.set(plu, left - 1)
    const receiptNumber = Buffer.from(random.bytes(4)).toString('hex')
    const sale = {
      id: receiptNumber,
      time: rfc3339(clock.wallMs(), timeZone),
      receiptNumber,
      currency: 'EUR',
      lineItems: [{ lineNumber: 1, plu, description: plu, quantity: '1', amountMinor }],
      tenders: [{ type: 'cash', amountMinor }],
      totalMinor: amountMinor,
      taxIncluded: true,
    }
    await line.write(dialect.encode('sale-completed', sale))
  }
}
