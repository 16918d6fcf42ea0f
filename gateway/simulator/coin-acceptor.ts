import { CctalkFramer, encodePacket, HOST, readPacket } from '../protocol/cctalk/cctalk-packet.js'
import type { ShopDeviceOptions } from './shop-device.js'
import { below } from './till-sale.js'

const ADDRESS = 2
const POLL = 229
const COIN_TYPES = 8
const BUFFER_BYTES = 10

/** A ccTalk coin acceptor: on its one data line the host hears itself. */
export class CoinAcceptor {
  readonly #options: ShopDeviceOptions
  readonly #framer = new CctalkFramer('sum')
  #counter = 0
  /** Pairs, newest first. */
  #events: readonly number[] = Array.from({ length: BUFFER_BYTES }, () => 0)

  constructor(options: ShopDeviceOptions) {
    this.#options = options
  }

  async run(signal: AbortSignal): Promise<void> {
    const { line, clock, random, pauseMs } = this.#options
    const stopListening = line.onData(bytes => this.#hear(bytes))
    while (!signal.aborted) {
      await clock.sleep(pauseMs(), signal)
      if (signal.aborted) break
      // Every tenth one is no coin: pair 0, 1.
      const coin = random.unit() < 0.1 ? 0 : 1 + below(random, COIN_TYPES)
      this.#events = [coin, coin === 0 ? 1 : 0, ...this.#events].slice(0, BUFFER_BYTES)
      this.#counter = this.#counter === 255 ? 1 : this.#counter + 1
    }
    stopListening()
  }

  #hear(bytes: Uint8Array): void {
    for (const output of this.#framer.push(bytes)) {
      void this.#options.line.write(output.raw)
      if (output.type !== 'frame') continue
      const { destination, header } = readPacket(output.payload, 'sum')
      if (destination !== ADDRESS) continue
      const data = header === POLL ? [this.#counter, ...this.#events] : []
      void this.#options.line.write(
        encodePacket(
          { destination: HOST, source: ADDRESS, header: 0, data: Uint8Array.from(data) },
          'sum',
        ),
      )
    }
  }
}
