/** Bytes of the "Remaining Length" field at most; MQTT 3.1.1 §2.2.3. */
const MAX_LENGTH_BYTES = 4

type Expected =
  | { readonly type: 'type' }
  | { readonly type: 'length'; readonly value: number; readonly bytes: number }
  | { readonly type: 'body'; readonly left: number }

/**
 * Reads the fixed headers of a stream of MQTT packets (3.1.1 §2.2), so that a packet too large is
 * known from its first bytes. Pure; chunk borders mean nothing.
 */
export class PacketMeter {
  readonly #maxBytes: number
  #expected: Expected = { type: 'type' }

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** `too-large`: a header announces more than the maximum; `malformed`: a length without end. */
  push(chunk: Uint8Array): 'ok' | 'too-large' | 'malformed' {
    for (let offset = 0; offset < chunk.length; ) {
      const expected = this.#expected
      if (expected.type === 'body') {
        const taken = Math.min(expected.left, chunk.length - offset)
        offset += taken
        this.#expectBody(expected.left - taken)
        continue
      }
      const byte = chunk[offset] ?? 0
      offset += 1
      if (expected.type === 'type') {
        this.#expected = { type: 'length', value: 0, bytes: 0 }
        continue
      }
      // Least significant seven bits first; the top bit says that another byte follows.
      const value = expected.value + (byte & 0x7f) * 128 ** expected.bytes
      const bytes = expected.bytes + 1
      if (value > this.#maxBytes) return 'too-large'
      if (byte < 0x80) this.#expectBody(value)
      else if (bytes === MAX_LENGTH_BYTES) return 'malformed'
      else this.#expected = { type: 'length', value, bytes }
    }
    return 'ok'
  }

  #expectBody(left: number): void {
    this.#expected = left === 0 ? { type: 'type' } : { type: 'body', left }
  }
}
