import { concatBytes } from '../core/bytes.js'
import type { Clock } from '../core/clock.js'
import { LIMITS } from '../core/limits.js'
import { within } from '../core/within.js'
import type { Inquiry } from '../line/link/inquiry.js'
import type { Chunk, Connection } from '../line/transport/transport.js'

/**
 * An open line that somebody listens to before its conversation begins. What was heard then and was
 * not meant for him is there for the conversation, before all that follows.
 */
export class Overheard implements Connection {
  readonly #connection: Connection
  readonly #clock: Clock
  readonly #chunks: AsyncIterator<Chunk>
  #kept: readonly Chunk[] = []
  /** Asked for and not there yet. */
  #pending: Promise<IteratorResult<Chunk>> | undefined

  constructor(connection: Connection, clock: Clock) {
    this.#connection = connection
    this.#clock = clock
    this.#chunks = connection[Symbol.asyncIterator]()
  }

  write(bytes: Uint8Array, replyWithinMs?: number): Promise<void> {
    return this.#connection.write(bytes, replyWithinMs)
  }

  /** What the line itself asked the terminal for. */
  get firmware(): string | undefined {
    return this.#connection.firmware
  }

  release(): void {
    this.#connection.release?.()
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  /**
   * The firmware, where the terminal states it in time. The bytes of its answer are taken, all
   * others are kept. @throws TillbridgeError TB_LINE_CLOSED
   */
  async ask({ request, withinMs, answer }: Inquiry): Promise<string | undefined> {
    await this.write(request, withinMs)
    const endMs = this.#clock.monotonicMs() + withinMs
    let heard: readonly Chunk[] = []
    try {
      for (;;) {
        const leftMs = endMs - this.#clock.monotonicMs()
        const bytes = concatBytes(heard.map(chunk => chunk.bytes))
        const found = answer(bytes)
        if (found !== undefined) {
          heard = without(heard, bytes, found)
          if (found.reply !== undefined) await this.write(found.reply, withinMs)
          if (found.firmware !== undefined) return found.firmware
          continue
        }
        if (leftMs <= 0 || bytes.length >= LIMITS.identifyBytes) return undefined
        const next = await within(this.#clock, { ms: leftMs, work: this.#next() })
        if (next === 'timeout') return undefined
        this.#pending = undefined
        if (next.done === true) return undefined
        heard = [...heard, next.value]
      }
    } finally {
      this.#kept = [...this.#kept, ...heard]
      this.release()
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Chunk, void, undefined> {
    for (const chunk of this.#kept) yield chunk
    for (;;) {
      const next = await this.#next()
      this.#pending = undefined
      if (next.done === true) return
      yield next.value
    }
  }

  #next(): Promise<IteratorResult<Chunk>> {
    if (this.#pending === undefined) {
      this.#pending = this.#chunks.next()
      // Whoever asks next hears of it; nobody may be asking now.
      this.#pending.catch(() => undefined)
    }
    return this.#pending
  }
}

/** The chunks as two, before and behind the answer; as old as the first, so that no ACK is late. */
function without(
  heard: readonly Chunk[],
  bytes: Uint8Array,
  answer: { readonly from: number; readonly to: number },
): readonly Chunk[] {
  const atMs = heard[0]?.atMs ?? 0
  return [bytes.subarray(0, answer.from), bytes.subarray(answer.to)]
    .filter(({ length }) => length > 0)
    .map(part => ({ bytes: part, atMs }))
}
