import { BufferedFramer, type Verdict } from '../../line/framing/buffered-framer.js'

const MOST_BYTES = 257
const SHORTEST_STRUCTURE = 1

/**
 * Advertisements as the line gives them: a length, structures that fill it exactly, one byte of
 * signal strength behind them. The payload is the structures alone.
 */
export class AdvertisementFramer extends BufferedFramer {
  constructor() {
    super(MOST_BYTES)
  }

  protected override judge(buffer: Uint8Array): Verdict {
    const length = buffer[0] ?? 0
    if (length === 0) return { type: 'discard', size: 1, reason: 'noise' }
    if (!mayFill(buffer.subarray(1, 1 + length), length))
      return { type: 'discard', size: 1, reason: 'noise' }
    const size = length + 2
    if (buffer.length < size) return { type: 'wait', doubtful: 1 }
    return { type: 'frame', size, payload: buffer.subarray(1, 1 + length) }
  }
}

/** Whether these structures end where the record does, as far as they have come. */
function mayFill(bytes: Uint8Array, length: number): boolean {
  let at = 0
  while (at < bytes.length) {
    const size = bytes[at] ?? 0
    if (size < SHORTEST_STRUCTURE) return false
    at += 1 + size
  }
  return at <= length
}

const HEADER = 3

/**
 * Values of characteristics as the line gives them: the number (2 bytes), the length (1), the
 * value. The payload is number and value.
 */
export class CharacteristicFramer extends BufferedFramer {
  readonly #numbers: ReadonlySet<number>

  constructor(numbers: readonly string[]) {
    super(HEADER + 0xff)
    this.#numbers = new Set(numbers.map(number => Number.parseInt(number, 16)))
  }

  protected override judge(buffer: Uint8Array): Verdict {
    if (buffer.length < 2) return { type: 'wait', doubtful: 1 }
    const [high, low, length] = [buffer[0] ?? 0, buffer[1] ?? 0, buffer[2] ?? 0]
    if (!this.#numbers.has(high * 256 + low)) return { type: 'discard', size: 1, reason: 'noise' }
    const size = HEADER + length
    if (buffer.length < HEADER || buffer.length < size) return { type: 'wait', doubtful: 1 }
    const payload = Uint8Array.of(high, low, ...buffer.subarray(HEADER, size))
    return { type: 'frame', size, payload }
  }
}
