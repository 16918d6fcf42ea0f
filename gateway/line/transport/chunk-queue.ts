import type { Clock } from '../../core/clock.js'
import { TillbridgeError } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import type { Chunk } from './transport.js'

/** Stops and restarts what fills a queue, where that is possible without loss. */
export interface FlowControl {
  pause(): void
  resume(): void
}

type Ending =
  | { readonly type: 'none' }
  | { readonly type: 'closed' }
  | { readonly type: 'lost'; readonly error: TillbridgeError }

/**
 * What has arrived on a line and was not read yet, each chunk with its time of arrival. At
 * `LIMITS.lineBacklogBytes` the sender is paused; a line that cannot be is given up for lost, as
 * bytes would vanish unseen otherwise.
 */
export class ChunkQueue implements AsyncIterable<Chunk> {
  readonly #clock: Clock
  readonly #flow: FlowControl | undefined
  readonly #chunks: Chunk[] = []
  #bytes = 0
  #isPaused = false
  #ending: Ending = { type: 'none' }
  #wake: () => void = () => undefined

  constructor(options: { readonly clock: Clock; readonly flow?: FlowControl }) {
    this.#clock = options.clock
    this.#flow = options.flow
  }

  push(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#add({ bytes, atMs: this.#clock.monotonicMs() })
  }

  /** Who sent until now is done. */
  endSender(): void {
    const nothing = new Uint8Array(0)
    this.#add({ bytes: nothing, atMs: this.#clock.monotonicMs(), endsSender: true })
  }

  #add(chunk: Chunk): void {
    if (this.#ending.type !== 'none') return
    this.#chunks.push(chunk)
    this.#bytes += chunk.bytes.length
    if (this.#bytes >= LIMITS.lineBacklogBytes) this.#full()
    this.#wake()
  }

  /** The reader gets what is here, then its iteration ends. */
  close(): void {
    if (this.#ending.type === 'none') this.#ending = { type: 'closed' }
    this.#wake()
  }

  /** The reader gets what is here, then TB_LINE_CLOSED. */
  lose(reason: string, cause?: unknown): void {
    if (this.#ending.type === 'none')
      this.#ending = {
        type: 'lost',
        error: new TillbridgeError('TB_LINE_CLOSED', reason, { cause }),
      }
    this.#wake()
  }

  /** @throws TillbridgeError TB_LINE_CLOSED once closed or lost. */
  assertOpen(): void {
    if (this.#ending.type === 'lost') throw this.#ending.error
    if (this.#ending.type === 'closed') throw new TillbridgeError('TB_LINE_CLOSED', 'line closed')
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Chunk, void, undefined> {
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk !== undefined) {
        this.#taken(chunk)
        yield chunk
        continue
      }
      if (this.#ending.type === 'lost') throw this.#ending.error
      if (this.#ending.type === 'closed') return
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  #taken(chunk: Chunk): void {
    this.#bytes -= chunk.bytes.length
    if (!this.#isPaused || this.#bytes >= LIMITS.lineBacklogBytes / 2) return
    this.#isPaused = false
    this.#flow?.resume()
  }

  #full(): void {
    if (this.#flow === undefined) {
      this.lose(`${this.#bytes} bytes arrived and were not read in time`)
    } else if (!this.#isPaused) {
      this.#isPaused = true
      this.#flow.pause()
    }
  }
}
