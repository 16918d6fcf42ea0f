import { BufferedFramer, type Verdict } from '../../line/framing/buffered-framer.js'

/**
 * Control characters that are whole messages, and longer ones that begin with `start`: what such a
 * one is, `judgeFrame` says of a buffer that begins with it and holds `maxFrameBytes` at most.
 */
export class TokenFramer extends BufferedFramer {
  readonly #tokens: ReadonlySet<number>
  readonly #start: number
  readonly #judgeFrame: (window: Uint8Array) => Verdict

  constructor(options: {
    readonly tokens: readonly number[]
    readonly start: number
    readonly maxFrameBytes: number
    readonly judgeFrame: (window: Uint8Array) => Verdict
  }) {
    super(options.maxFrameBytes)
    this.#tokens = new Set(options.tokens)
    this.#start = options.start
    this.#judgeFrame = options.judgeFrame
  }

  protected override judge(buffer: Uint8Array): Verdict {
    const first = buffer[0] ?? 0
    if (this.#tokens.has(first)) return { type: 'frame', size: 1, payload: buffer.subarray(0, 1) }
    if (first === this.#start) return this.#judgeFrame(buffer.subarray(0, this.maxFrameBytes))
    const next = buffer.findIndex(byte => byte === this.#start || this.#tokens.has(byte))
    return { type: 'discard', size: next < 0 ? buffer.length : next, reason: 'noise' }
  }
}

/**
 * A frame of fixed size: by its place alone a checksum is told from an end, whose value it may
 * have. Where it is not sound, one byte goes and no more.
 */
export function judgeFixed(
  window: Uint8Array,
  shape: {
    readonly size: number
    readonly payload: readonly [from: number, to: number]
    /** What must stand at these places. */
    readonly marks: Readonly<Record<number, number>>
    readonly checksum: (window: Uint8Array) => boolean
  },
): Verdict {
  const { size, payload, marks, checksum } = shape
  const isMarked = Object.entries(marks).every(
    ([at, byte]) => Number(at) >= window.length || window[Number(at)] === byte,
  )
  if (!isMarked) return { type: 'discard', size: 1, reason: 'noise' }
  if (window.length < size) return { type: 'wait', doubtful: 1 }
  if (!checksum(window)) return { type: 'discard', size: 1, reason: 'checksum' }
  return { type: 'frame', size, payload: window.subarray(...payload) }
}
