import { fail, ok, type Result } from '../core/result.js'

/** The digits of packed BCD, two to a byte, the high nibble first; fails on a nibble above 9. */
export function digitsOfBcd(bytes: Uint8Array): Result<string, string> {
  const digits = Buffer.from(bytes).toString('hex')
  return /^\d*$/.test(digits) ? ok(digits) : fail('packed BCD holds only digits')
}

/** Packed BCD of exactly `byteCount` bytes, zeros in front. */
export function bcdOfDigits(digits: string, byteCount: number): Result<Uint8Array, string> {
  if (!/^\d*$/.test(digits)) return fail('packed BCD holds only digits')
  if (digits.length > byteCount * 2) return fail(`more than ${byteCount * 2} digits`)
  return ok(new Uint8Array(Buffer.from(digits.padStart(byteCount * 2, '0'), 'hex')))
}
