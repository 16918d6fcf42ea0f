/** The few types of ASN.1 that certificates are made of, in DER (X.690), each with its tag. */

export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return element(0x30, ...parts)
}

/** Not negative: with a zero before it where its first bit is set. */
export function integer(bytes: Uint8Array): Uint8Array {
  const isNegative = ((bytes[0] ?? 0) & 0x80) !== 0
  return element(0x02, Buffer.from(isNegative ? [0] : []), bytes)
}

/** `1.2.840.10045.4.3.2` */
export function objectId(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return element(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

export function utf8String(text: string): Uint8Array {
  return element(0x0c, Buffer.from(text))
}

export function octetString(bytes: Uint8Array): Uint8Array {
  return element(0x04, bytes)
}

export function bitString(bytes: Uint8Array, unusedBits = 0): Uint8Array {
  return element(0x03, Buffer.from([unusedBits]), bytes)
}

export function boolean(value: boolean): Uint8Array {
  return element(0x01, Buffer.from([value ? 0xff : 0]))
}

/** RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050 on; whole seconds. */
export function time(ms: number): Uint8Array {
  const digits = new Date(ms).toISOString().slice(0, 19).replace(/[-T:]/g, '')
  const isLate = Number(digits.slice(0, 4)) >= 2050
  return element(isLate ? 0x18 : 0x17, Buffer.from(`${isLate ? digits : digits.slice(2)}Z`))
}

/** `tag` bears the class and whether it is constructed. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag, ...lengthOf(content.length)]), content])
}

/** The elements within a constructed one, each with its tag. @throws RangeError on bad DER */
export function elementsIn(der: Uint8Array): readonly Uint8Array[] {
  const found: Uint8Array[] = []
  const { start, end } = contentOf(der, 0)
  for (let at = start; at < end; ) {
    const { end: next } = contentOf(der, at)
    if (next > end) throw new RangeError('an element is longer than what it is in')
    found.push(der.subarray(at, next))
    at = next
  }
  return found
}

function contentOf(der: Uint8Array, at: number): { readonly start: number; readonly end: number } {
  const bytes = Buffer.from(der.buffer, der.byteOffset, der.byteLength)
  const first = bytes.readUInt8(at + 1)
  const extra = first < 0x80 ? 0 : first & 0x7f
  const length = extra === 0 ? first : bytes.readUIntBE(at + 2, extra)
  const start = at + 2 + extra
  if (start + length > bytes.length) throw new RangeError('it ends within an element')
  return { start, end: start + length }
}

function lengthOf(length: number): readonly number[] {
  if (length < 0x80) return [length]
  if (length < 0x100) return [0x81, length]
  if (length < 0x10000) return [0x82, length >> 8, length & 0xff]
  throw new RangeError(`an element of ${length} bytes`)
}

function base128(value: number): readonly number[] {
  const digits = [value & 0x7f]
  for (let rest = value >> 7; rest > 0; rest >>= 7) digits.unshift((rest & 0x7f) | 0x80)
  return digits
}
