import { LIMITS } from '../core/limits.js'

interface Remembered {
  readonly id: string
  readonly chunk: number
  readonly payload: Uint8Array
}

/**
 * The newest chunks of answers, of all of them together: who asked may have been away when the
 * broker had them, and asks again. Beyond `LIMITS.answerMemoryBytes` the oldest are forgotten.
 */
export class AnswerMemory {
  readonly #chunks: Remembered[] = []
  #bytes = 0

  keep(chunk: Remembered): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.payload.length
    while (this.#bytes > LIMITS.answerMemoryBytes)
      this.#bytes -= this.#chunks.shift()?.payload.length ?? 0
  }

  /** What is still there of an answer from a chunk on, in order. */
  from(id: string, first: number): readonly Remembered[] {
    return this.#chunks.filter(one => one.id === id && one.chunk >= first)
  }
}
