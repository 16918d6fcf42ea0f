import type { ShopDeviceOptions } from './shop-device.js'
import { ARTICLES, pick } from './till-sale.js'

/** GTIN, net weight 3.1 kg, best before 2026-12-31, lot (GS1-128). */
const CARTON = '01095060001343523103003100152612311012345A'

/** Sends a code whenever something passes it; nobody answers a scanner. */
export class BarcodeScanner {
  readonly #options: ShopDeviceOptions

  constructor(options: ShopDeviceOptions) {
    this.#options = options
  }

  async run(signal: AbortSignal): Promise<void> {
    const { line, clock, pauseMs } = this.#options
    for (;;) {
      await clock.sleep(pauseMs(), signal)
      if (signal.aborted) return
      await line.write(this.#scan())
    }
  }

  #scan(): Uint8Array {
    const { dialect, random } = this.#options
    if (random.unit() < 0.2) return dialect.encode('gs1', { symbology: 'C1', text: CARTON })
    return dialect.encode('ean-13', { text: pick(random, ARTICLES).gtin.slice(1) })
  }
}
