import type { Clock } from '../../core/clock.js'
import { TillbridgeError } from '../../core/errors.js'
import { ChunkQueue } from './chunk-queue.js'
import type { Connection, Transport } from './transport.js'

/** How a write reaches the other end: in one piece, byte by byte, as a seed says. */
export type Split = (bytes: Uint8Array) => readonly Uint8Array[]

/**
 * Two ends of a cable in memory. As on a real one, bytes sent while the other end is not open are
 * gone, and neither end notices that the other closed; `cut` is a line that both ends lose.
 */
export class NullModem {
  readonly ends: readonly [Transport, Transport]
  readonly #open: (ChunkQueue | undefined)[] = [undefined, undefined]
  readonly #clock: Clock
  readonly #split: Split

  constructor(options: { readonly clock: Clock; readonly split?: Split }) {
    this.#clock = options.clock
    this.#split = options.split ?? (bytes => [bytes])
    this.ends = [this.#end(0), this.#end(1)]
  }

  /** Both ends lose the line; each may connect again. */
  cut(reason = 'the cable was cut'): void {
    for (const queue of this.#open.splice(0, 2, undefined, undefined)) queue?.lose(reason)
  }

  #end(side: 0 | 1): Transport {
    const address = `null-modem:${side}`
    return {
      address,
      connect: async signal => {
        if (signal.aborted) throw new TillbridgeError('TB_LINE_UNAVAILABLE', 'stopped')
        if (this.#open[side] !== undefined)
          throw new TillbridgeError('TB_LINE_BUSY', `${address} is open`)
        return this.#connection(side)
      },
    }
  }

  #connection(side: 0 | 1): Connection {
    const queue = new ChunkQueue({ clock: this.#clock })
    this.#open[side] = queue
    return {
      write: async bytes => {
        queue.assertOpen()
        for (const chunk of this.#split(bytes)) this.#open[1 - side]?.push(Uint8Array.from(chunk))
      },
      close: async () => {
        if (this.#open[side] === queue) this.#open[side] = undefined
        queue.close()
      },
      [Symbol.asyncIterator]: () => queue[Symbol.asyncIterator](),
    }
  }
}
