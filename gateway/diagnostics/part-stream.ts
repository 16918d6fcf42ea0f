import { LIMITS } from '../core/limits.js'
import { type AnswerPart, encodeAnswerPart } from '../wire/answer-part.js'

/** Hands parts of an answer on as HQ takes them; what comes faster is left out, and counted. */
export class PartStream {
  readonly #emit: (chunk: Uint8Array) => Promise<void>
  #waiting: Buffer = Buffer.alloc(0)
  #leftOut = 0
  #pumping: Promise<void> | undefined
  #failure: { readonly thrown: unknown } | undefined

  constructor(emit: (chunk: Uint8Array) => Promise<void>) {
    this.#emit = emit
  }

  push(part: AnswerPart): void {
    const line = Buffer.from(`${encodeAnswerPart(part)}\n`)
    const isFirst = this.#waiting.length === 0
    if (!isFirst && this.#waiting.length + line.length > LIMITS.answerWaitingBytes) {
      this.#leftOut += 1
      return
    }
    if (this.#leftOut > 0) {
      const text = [`(${this.#leftOut} lines left out: they came faster than the link takes them)`]
      this.#leftOut = 0
      this.push({ text })
    }
    this.#waiting = Buffer.concat([this.#waiting, line])
    this.#pumping ??= this.#pump()
  }

  /** Resolves when HQ's broker has all of it. Rejects with what kept it from that. */
  async end(): Promise<void> {
    await this.#pumping
    if (this.#failure !== undefined) throw this.#failure.thrown
  }

  async #pump(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const chunk = this.#waiting.subarray(0, LIMITS.answerChunkBytes)
        this.#waiting = this.#waiting.subarray(chunk.length)
        await this.#emit(chunk)
      }
    } catch (thrown) {
      this.#failure ??= { thrown }
      this.#waiting = Buffer.alloc(0)
    } finally {
      this.#pumping = undefined
    }
  }
}
