import assert from 'node:assert/strict'
import { concatBytes } from '../../core/bytes.js'
import type { DiscardReason, Framer, FramerOutput } from './framer.js'

/** What the front of the buffer is. */
export type Verdict =
  | { readonly type: 'frame'; readonly size: number; readonly payload: Uint8Array }
  | { readonly type: 'discard'; readonly size: number; readonly reason: DiscardReason }
  /** It may become a frame. If silence comes instead, `doubtful` bytes go, the rest is new. */
  | { readonly type: 'wait'; readonly doubtful: number }

export type FinalVerdict = Exclude<Verdict, { readonly type: 'wait' }>

/**
 * What every framer shares: the buffer, and that each byte leaves it once and in order. A framer is
 * then only its judgement of what stands at the front.
 */
export abstract class BufferedFramer implements Framer {
  #buffer: Uint8Array = new Uint8Array(0)
  protected readonly maxFrameBytes: number

  constructor(maxFrameBytes: number) {
    this.maxFrameBytes = maxFrameBytes
  }

  get bufferedBytes(): number {
    return this.#buffer.length
  }

  push(chunk: Uint8Array): readonly FramerOutput[] {
    this.#buffer = concatBytes([this.#buffer, chunk])
    const outputs: FramerOutput[] = []
    while (this.#buffer.length > 0) {
      const verdict = this.judge(this.#buffer)
      if (verdict.type === 'wait') break
      outputs.push(this.#carryOut(verdict))
    }
    assert(this.#buffer.length <= this.maxFrameBytes)
    return outputs
  }

  idle(): readonly FramerOutput[] {
    const outputs: FramerOutput[] = []
    while (this.#buffer.length > 0) outputs.push(this.#carryOut(this.judgeSilent(this.#buffer)))
    return outputs
  }

  /**
   * Never waits for more than `maxFrameBytes`, and looks no further than them: a chunk may be much
   * longer than a frame, and a search to its end for every frame in it would take quadratic time.
   */
  protected abstract judge(buffer: Uint8Array): Verdict

  /** The same at a silence, when waiting is over: a good frame may stand behind a broken one. */
  protected judgeSilent(buffer: Uint8Array): FinalVerdict {
    const verdict = this.judge(buffer)
    if (verdict.type !== 'wait') return verdict
    return { type: 'discard', size: verdict.doubtful, reason: 'idle' }
  }

  #carryOut(verdict: FinalVerdict): FramerOutput {
    assert(verdict.size > 0 && verdict.size <= this.#buffer.length)
    const raw = this.#buffer.subarray(0, verdict.size)
    this.#buffer = this.#buffer.subarray(verdict.size)
    return verdict.type === 'frame'
      ? { type: 'frame', payload: verdict.payload, raw }
      : { type: 'discarded', reason: verdict.reason, raw }
  }
}
