import type { Socket } from 'node:net'
import type { Clock } from '../core/clock.js'

/** How fast bytes travel; what is not said does not hold them up. */
export interface Pace {
  readonly bytesPerSecond?: number
  readonly delayMs?: number
}

/**
 * Sees the bytes of one direction from the beginning of a connection. The offset that it returns is
 * where both ends see a reset: what stands before it still arrives.
 */
export type Watch = (bytes: Uint8Array) => number | undefined

/** A slow lane hands over as many bytes as this takes, so that a pace can change under way. */
const SLICE_MS = 20

/** By a reset where it has one: a unix socket only closes. */
export function abandon(socket: Socket): void {
  if (socket.remoteAddress === undefined) socket.destroy()
  else socket.resetAndDestroy()
}

/** One direction of a connection through a faulty link: bytes, end and reset of its source. */
export class Lane {
  readonly #source: Socket
  readonly #sink: Socket
  readonly #clock: Clock
  readonly #pace: () => Pace
  readonly #watch: Watch
  readonly #reset: () => void
  #isDead = false

  constructor(options: {
    readonly source: Socket
    readonly sink: Socket
    readonly clock: Clock
    /** Asked anew for every slice. */
    readonly pace: () => Pace
    readonly watch: Watch
    /** Resets both ends: the watch asks for it. */
    readonly reset: () => void
  }) {
    this.#source = options.source
    this.#sink = options.sink
    this.#clock = options.clock
    this.#pace = options.pace
    this.#watch = options.watch
    this.#reset = options.reset
  }

  /** From now on nothing arrives, not even that the source has gone; it is still taken in. */
  die(): void {
    this.#isDead = true
  }

  /** Until the source has ended. */
  async carry(): Promise<void> {
    try {
      // Reading to the end must not close the other direction of the same socket.
      for await (const bytes of this.#source.iterator({ destroyOnReturn: false }))
        await this.#pass(bytes)
      if (!this.#isDead) this.#sink.end()
    } catch {
      // The source was reset.
      if (!this.#isDead) abandon(this.#sink)
    }
  }

  async #pass(bytes: Uint8Array): Promise<void> {
    const { delayMs = 0 } = this.#pace()
    if (delayMs > 0) await this.#clock.sleep(delayMs)
    const end = this.#isDead ? undefined : this.#watch(bytes)
    await this.#write(bytes.subarray(0, end))
    if (end !== undefined) this.#reset()
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let offset = 0; offset < bytes.length && !this.#isDead; ) {
      const { bytesPerSecond = Infinity } = this.#pace()
      const size = Math.min(bytes.length - offset, (bytesPerSecond * SLICE_MS) / 1000)
      const slice = bytes.subarray(offset, offset + size)
      offset += size
      if (bytesPerSecond < Infinity) await this.#clock.sleep(SLICE_MS)
      if (this.#isDead) return
      await new Promise<void>(resolve => this.#sink.write(slice, () => resolve()))
    }
  }
}
