import { type Display, type ScaleModelName, scaleModel } from './scale-models.js'
import type { ShopDeviceOptions } from './shop-device.js'
import { below } from './till-sale.js'

/** How long goods swing, and how long they lie there. */
const SETTLING_MS = 200
const LYING_MS = 900
const LIGHTEST_GRAMS = 100
const HEAVIEST_GRAMS = 3_000
/** A request that never ends is forgotten. */
const REQUEST_CHARACTERS = 16

/** A scale that says what it shows when it is asked, and nothing before. */
export class PolledScale {
  readonly #options: ShopDeviceOptions & { readonly model: ScaleModelName }
  #display: Display = { state: 'empty', grams: 0 }
  #heard = ''

  constructor(options: ShopDeviceOptions & { readonly model: ScaleModelName }) {
    this.#options = options
  }

  async run(signal: AbortSignal): Promise<void> {
    const { line, clock, random, pauseMs, dialect, model } = this.#options
    const { interjection } = scaleModel(model)
    let answering = Promise.resolve()
    const stopListening = line.onData(bytes => {
      answering = answering.then(() => this.#hear(bytes))
    })
    while (!signal.aborted) {
      await clock.sleep(pauseMs(), signal)
      if (signal.aborted) break
      const grams = LIGHTEST_GRAMS + below(random, HEAVIEST_GRAMS - LIGHTEST_GRAMS)
      this.#display = { state: 'moving', grams }
      await clock.sleep(SETTLING_MS, signal)
      this.#display = { state: 'goods', grams }
      await clock.sleep(LYING_MS, signal)
      this.#display = { state: 'empty', grams: 0 }
      if (interjection !== undefined && !signal.aborted) await line.write(interjection(dialect))
    }
    stopListening()
    await answering
  }

  async #hear(bytes: Uint8Array): Promise<void> {
    const { line, dialect, model } = this.#options
    this.#heard = (this.#heard + Buffer.from(bytes).toString('latin1')).slice(-REQUEST_CHARACTERS)
    for (const { request, reply } of scaleModel(model).replies) {
      const text = Buffer.from(request).toString('latin1')
      if (!this.#heard.endsWith(text)) continue
      this.#heard = ''
      await line.write(reply(dialect, this.#display))
    }
  }
}
