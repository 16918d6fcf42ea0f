import assert from 'node:assert/strict'
import { lrc } from '../checksum/lrc.js'
import type { DiscardReason, Framer, FramerOutput } from './framer.js'

const STX = 0x02
const ETX = 0x03
const OVERHEAD_BYTES = 3 // STX, ETX, LRC

/** STX payload ETX LRC, where the LRC covers the payload and the ETX. */
export class StxEtxFramer implements Framer {
  #buffer: Uint8Array = new Uint8Array(0)
  readonly #maxFrameBytes: number

  constructor(options: { readonly maxFrameBytes: number }) {
    assert(options.maxFrameBytes > OVERHEAD_BYTES)
    this.#maxFrameBytes = options.maxFrameBytes
  }

  get bufferedBytes(): number {
    return this.#buffer.length
  }

  push(chunk: Uint8Array): FramerOutput[] {
    this.#buffer = concat(this.#buffer, chunk)
    const outputs: FramerOutput[] = []
    for (let output = this.#next(); output !== undefined; output = this.#next())
      outputs.push(output)
    assert(this.#buffer.length <= this.#maxFrameBytes)
    return outputs
  }

  idle(): FramerOutput[] {
    return this.#buffer.length === 0 ? [] : [this.#discard(this.#buffer.length, 'idle')]
  }

  #next(): FramerOutput | undefined {
    if (this.#buffer.length === 0) return undefined
    const start = this.#buffer.indexOf(STX)
    if (start !== 0) return this.#discard(start < 0 ? this.#buffer.length : start, 'noise')
    // Search no further than one frame: a flood of STX must not cost quadratic time.
    const end = this.#buffer.subarray(0, this.#maxFrameBytes).indexOf(ETX)
    // An STX inside a frame means its ETX was hit on the wire; the XOR of two merged frames can
    // still match.
    const restart = this.#buffer.indexOf(STX, 1)
    if (restart > 0 && (end < 0 || restart < end)) return this.#discard(restart, 'noise')
    const size = end < 0 ? this.#buffer.length + 1 : end + 2
    // Drop only the STX, never the length the bad frame claims: a good frame may start right behind
    // it.
    if (size > this.#maxFrameBytes) return this.#discard(1, 'too-long')
    if (size > this.#buffer.length) return undefined
    if (lrc(this.#buffer.subarray(1, end + 1)) !== this.#buffer[end + 1])
      return this.#discard(1, 'checksum')
    const raw = this.#take(size)
    return { type: 'frame', payload: raw.subarray(1, end), raw }
  }

  #discard(count: number, reason: DiscardReason): FramerOutput {
    return { type: 'discarded', reason, raw: this.#take(count) }
  }

  #take(count: number): Uint8Array {
    const taken = this.#buffer.subarray(0, count)
    this.#buffer = this.#buffer.subarray(count)
    return taken
  }
}

function concat(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const joined = new Uint8Array(head.length + tail.length)
  joined.set(head)
  joined.set(tail, head.length)
  return joined
}
