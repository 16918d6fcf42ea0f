import type { ShopDeviceOptions } from './shop-device.js'
import { StopAndWait } from './stop-and-wait.js'
import { timeOf } from './till-model.js'
import { below, pick } from './till-sale.js'

const DECLINED = 0.1
const DEAREST_PESOS = 50_000
const SECONDS_A_DAY = 86_400

/** A Transbank terminal in integrated mode: reports every decision, again until acknowledged. */
export class PaymentTerminal {
  readonly #options: ShopDeviceOptions & { readonly timeZone: string }
  readonly #sender: StopAndWait

  constructor(options: ShopDeviceOptions & { readonly timeZone: string }) {
    this.#options = options
    this.#sender = new StopAndWait(options)
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, pauseMs } = this.#options
    while (!signal.aborted) {
      await clock.sleep(pauseMs(), signal)
      if (!signal.aborted) await this.#sender.deliver(this.#decide(), signal)
    }
    this.#sender.close()
  }

  #decide(): Uint8Array {
    const { dialect, clock, random, timeZone } = this.#options
    const atMs = clock.wallMs()
    const payment = {
      commerceCode: '597029414300',
      terminalId: '75001089',
      amount: 100 + below(random, DEAREST_PESOS),
      // Counts the seconds of the day: a terminal switched off and on never uses a number twice.
      operationNumber: String(Math.floor(atMs / 1000) % SECONDS_A_DAY).padStart(6, '0'),
      lastDigits: String(below(random, 10_000)).padStart(4, '0'),
      cardType: 'CR',
      brand: pick(random, ['VI', 'MC', 'AX']),
      ...timeOf(atMs, timeZone),
    }
    if (random.unit() < DECLINED)
      return dialect.encode('declined', { responseCode: '01', ...payment })
    return dialect.encode('approved', {
      ...payment,
      ticket: payment.operationNumber,
      authorisationCode: String(below(random, 1_000_000)).padStart(6, '0'),
      shares: '0',
      shareAmount: '0',
    })
  }
}
