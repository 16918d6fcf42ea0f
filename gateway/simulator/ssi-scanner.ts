import { equalBytes, fromHex } from '../core/bytes.js'
import type { ShopDeviceOptions } from './shop-device.js'
import { ARTICLES, pick } from './till-sale.js'

const CMD_ACK = fromHex('04d00400ff28')
/** How long Zebra's scanners wait for an answer before they say it again. */
const ANSWER_MS = 2_000
const LOOK_MS = 10
/** Then it gives up, as the scanners do. */
const MOST_REPEATS = 3

/** A scanner on SSI: it says a code again, marked as a repeat, until it is acknowledged. */
export class SsiScanner {
  readonly #options: ShopDeviceOptions
  #isAcknowledged = true

  constructor(options: ShopDeviceOptions) {
    this.#options = options
  }

  async run(signal: AbortSignal): Promise<void> {
    const { line, clock, random, pauseMs } = this.#options
    const stopListening = line.onData(bytes => {
      this.#isAcknowledged ||= equalBytes(bytes.subarray(-CMD_ACK.length), CMD_ACK)
    })
    while (!signal.aborted) {
      await clock.sleep(pauseMs(), signal)
      if (!signal.aborted) await this.#scan(pick(random, ARTICLES).gtin.slice(1), signal)
    }
    stopListening()
  }

  async #scan(text: string, signal: AbortSignal): Promise<void> {
    const { line, clock, dialect } = this.#options
    this.#isAcknowledged = false
    for (let times = 0; times <= MOST_REPEATS && !signal.aborted; times += 1) {
      await line.write(dialect.encode('ean-13', { text, repeated: times > 0 }))
      const untilMs = clock.monotonicMs() + ANSWER_MS
      while (!this.#isAcknowledged && clock.monotonicMs() < untilMs && !signal.aborted)
        await clock.sleep(LOOK_MS, signal)
      if (this.#isAcknowledged) return
    }
  }
}
