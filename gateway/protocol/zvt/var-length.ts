import { concatBytes } from '../../core/bytes.js'

/** A length in decimal digits, each the low half of a byte `Fx`: two of them (LL), or three. */
export type VarLength = 2 | 3

/** Nothing where a high half is not F, a low half no digit, or bytes are missing. */
export function readVarLength(bytes: Uint8Array, digits: VarLength): number | undefined {
  if (bytes.length < digits) return undefined
  const hex = Buffer.from(bytes.subarray(0, digits)).toString('hex')
  return /^(f\d)+$/.test(hex) ? Number(hex.replaceAll('f', '')) : undefined
}

/** The value behind its length. @throws RangeError where it is longer than the digits can say. */
export function encodeVarLength(value: Uint8Array, digits: VarLength): Uint8Array {
  const text = String(value.length).padStart(digits, '0')
  if (text.length > digits) throw new RangeError(`${value.length} bytes are too many`)
  return concatBytes([Uint8Array.from(text, digit => 0xf0 | Number(digit)), value])
}
