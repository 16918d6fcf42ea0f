import { concatBytes } from '../../core/bytes.js'
import { LIMITS } from '../../core/limits.js'
import { scrubBytes } from '../../security/pan-scrub.js'
import type { TimedBytes } from '../listen.js'
import { type CaptureEntry, chunkEntry } from './capture-file.js'

/**
 * One direction of a line on its way into a capture. Half a card number is not recognised, so what
 * came is held until a silence, and then scrubbed as a whole; a stream without a silence is cut,
 * each cut looked at together with the end of the one before. Pure.
 */
export class ScrubbedStream {
  #waiting: readonly TimedBytes[] = []
  #waitingBytes = 0

  push(chunk: TimedBytes): readonly CaptureEntry[] {
    const last = this.#waiting.at(-1)
    const isNew = last !== undefined && chunk.atMs - last.atMs >= LIMITS.captureSettleMs
    const settled = isNew ? this.settle() : []
    this.#waiting = [...this.#waiting, chunk]
    this.#waitingBytes += chunk.bytes.length
    return this.#waitingBytes < LIMITS.captureScrubBytes
      ? settled
      : [...settled, ...this.#cut(LIMITS.captureOverlapBytes)]
  }

  /** The line was silent: nothing that follows belongs to what came. */
  settle(): readonly CaptureEntry[] {
    return this.#cut(0)
  }

  #cut(overlapBytes: number): readonly CaptureEntry[] {
    const chunks = this.#waiting
    const [first] = chunks
    if (first === undefined) return []
    const whole = concatBytes(chunks.map(({ bytes }) => bytes))
    const { value, sensitive } = scrubBytes(whole)
    this.#waiting = []
    this.#waitingBytes = 0
    if (sensitive !== undefined) {
      const { atMs, from } = first
      return [{ atMs, from, dropped: sensitive, bytes: whole.length }]
    }
    const kept = sliced(chunks, value)
    const entries: CaptureEntry[] = []
    let left = whole.length
    for (const chunk of kept) {
      if (left <= overlapBytes) {
        this.#waiting = [...this.#waiting, chunk]
        this.#waitingBytes += chunk.bytes.length
      } else entries.push(chunkEntry(chunk))
      left -= chunk.bytes.length
    }
    return entries
  }
}

/** The chunks with these bytes in place of theirs. */
function sliced(chunks: readonly TimedBytes[], bytes: Uint8Array): readonly TimedBytes[] {
  let at = 0
  return chunks.map(chunk => {
    const from = at
    at += chunk.bytes.length
    return { ...chunk, bytes: bytes.subarray(from, at) }
  })
}
