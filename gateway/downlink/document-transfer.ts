import type { Clock } from '../core/clock.js'
import { Doorbell } from '../core/doorbell.js'
import { LIMITS } from '../core/limits.js'
import type { MqttConnection } from '../mqtt/connection.js'
import { type DocumentManifest, digestOfBytes } from '../wire/document.js'

export interface TransferOptions {
  readonly manifest: DocumentManifest
  readonly connection: MqttConnection
  readonly topicOf: (chunk: number) => string
  /** What was there when it began. */
  readonly chunks: readonly Uint8Array[]
  /** Resolves when the next chunk is durable. */
  readonly keep: (before: readonly Uint8Array[], chunk: Uint8Array) => Promise<void>
  /** The broker does not let this topic be read. */
  readonly refused: (topic: string) => void
  /** It is none of what HQ signed. */
  readonly deny: (chunk: number) => void
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * Fetches the chunks of a document that are not there yet. HQ's broker keeps each under a topic of
 * its own, and to subscribe is to ask for it: a few at once, and after a cut those alone.
 */
export class DocumentTransfer {
  readonly #options: TransferOptions
  readonly #asked = new Map<number, () => void>()
  /** Came before one that it has to stand behind. */
  readonly #ahead = new Map<number, Uint8Array>()
  readonly #bell: Doorbell
  #chunks: readonly Uint8Array[]

  constructor(options: TransferOptions) {
    this.#options = options
    this.#bell = new Doorbell(options.clock)
    this.#chunks = options.chunks
  }

  get received(): number {
    return this.#chunks.length
  }

  /** All of it; fewer where the signal aborted. */
  async run(): Promise<readonly Uint8Array[]> {
    const { manifest, keep, signal } = this.#options
    signal.addEventListener('abort', () => this.#bell.ring(), { once: true })
    while (this.#chunks.length < manifest.chunks.length && !signal.aborted) {
      this.#ask()
      const next = this.#ahead.get(this.#chunks.length)
      if (next === undefined) {
        await this.#bell.wait()
        continue
      }
      await keep(this.#chunks, next)
      this.#ahead.delete(this.#chunks.length)
      this.#chunks = [...this.#chunks, next]
    }
    for (const stop of this.#asked.values()) stop()
    return this.#chunks
  }

  #ask(): void {
    const { manifest, connection, topicOf, refused } = this.#options
    const from = this.#chunks.length
    const end = Math.min(from + LIMITS.documentChunksAtOnce, manifest.chunks.length)
    for (let n = from; n < end; n += 1)
      if (!this.#asked.has(n) && !this.#ahead.has(n))
        this.#asked.set(
          n,
          connection.subscribe(
            topicOf(n),
            ({ payload }) => this.#came(n, payload),
            () => refused(topicOf(n)),
          ),
        )
  }

  #came(n: number, chunk: Uint8Array): void {
    // Taken back: it will be said again, or something else in its place.
    if (chunk.length === 0) return
    const { manifest, deny } = this.#options
    if (digestOfBytes(chunk) !== manifest.chunks[n]) {
      deny(n)
      return
    }
    this.#asked.get(n)?.()
    this.#asked.delete(n)
    this.#ahead.set(n, chunk)
    this.#bell.ring()
  }
}
