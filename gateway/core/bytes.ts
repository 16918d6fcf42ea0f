/** The parts, one after another, in one new array. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const joined = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += part.length
  }
  return joined
}

export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index])
}

/** Lower-case hexadecimal, two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
}

/** @throws RangeError where the text is not an even number of hexadecimal digits. */
export function fromHex(hex: string): Uint8Array {
  if (!/^([0-9a-f]{2})*$/i.test(hex)) throw new RangeError(`not hexadecimal: ${hex.slice(0, 40)}`)
  return new Uint8Array(Buffer.from(hex, 'hex'))
}

/** Undefined where these bytes are no UTF-8. */
export function utf8Of(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Reads fields from the front of a message; short input is a RangeError, never a short answer. */
export class ByteReader {
  readonly #bytes: Uint8Array
  #offset = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset
  }

  take(count: number): Uint8Array {
    if (count > this.remaining)
      throw new RangeError(`${count} bytes wanted at ${this.#offset}, ${this.remaining} left`)
    const taken = this.#bytes.subarray(this.#offset, this.#offset + count)
    this.#offset += count
    return taken
  }

  uintBE(byteCount: number): number {
    return this.take(byteCount).reduce((value, byte) => value * 256 + byte, 0)
  }

  uintLE(byteCount: number): number {
    return this.take(byteCount).reduceRight((value, byte) => value * 256 + byte, 0)
  }
}
