import { bcdOfDigits, digitsOfBcd } from '../../codec/bcd.js'
import { fromHex, toHex } from '../../core/bytes.js'
import { fail, ok, type Result } from '../../core/result.js'
import type { ValueField } from '../field-type.js'
import { isNumeric } from '../field-value.js'
import type { Coding } from '../layout-schema.js'

/** A field, and how its bytes stand for text. */
export type CodedField = ValueField & { readonly coding?: Coding; readonly bytes?: number }

/** The text that a field's bytes stand for: Latin-1, or the digits of BCD or of a number. */
export function readCoded(field: CodedField, bytes: Uint8Array): Result<string, string> {
  switch (field.coding ?? 'text') {
    case 'text':
      return ok(Buffer.from(bytes).toString('latin1'))
    case 'bcd': {
      // Nibbles that are no digits: E is a hidden one, F fills up (ZVT 13.08, BMP 22).
      if (field.type === 'pan') return ok(toHex(bytes))
      const digits = digitsOfBcd(bytes)
      return digits.ok ? ok(trimTo(field, digits.value)) : digits
    }
    case 'uint-be':
      return readNumber(bytes)
    case 'uint-le':
      return readNumber(bytes.toReversed())
  }
}

/** The bytes of a text: as many as the field says, else as few as hold it. */
export function writeCoded(field: CodedField, text: string): Result<Uint8Array, string> {
  const { bytes } = field
  switch (field.coding ?? 'text') {
    case 'text': {
      const width = bytes ?? text.length
      if (text.length > width) return fail(`at most ${width} bytes`)
      const filled = isNumeric(field) ? text.padStart(width, '0') : text.padEnd(width, ' ')
      return ok(new Uint8Array(Buffer.from(filled, 'latin1')))
    }
    case 'bcd':
      if (field.type === 'pan') return ok(maskedBcd(text, bytes))
      return bcdOfDigits(text, bytes ?? Math.max(1, Math.ceil(text.length / 2)))
    case 'uint-be':
      return writeNumber(text, bytes ?? 4)
    case 'uint-le': {
      const written = writeNumber(text, bytes ?? 4)
      return written.ok ? ok(written.value.toReversed()) : written
    }
  }
}

function maskedBcd(masked: string, bytes: number | undefined): Uint8Array {
  const width = 2 * (bytes ?? Math.ceil(masked.length / 2))
  return fromHex(masked.replaceAll('*', 'e').padEnd(width, 'f'))
}

/** BCD has whole bytes: an odd number of digits has a zero in front that is not one of them. */
function trimTo(field: CodedField, digits: string): string {
  const length = field.type === 'digits' || field.type === 'gtin' ? field.length : undefined
  return length !== undefined && digits.length === length + 1 && digits.startsWith('0')
    ? digits.slice(1)
    : digits
}

/** Six bytes stay exact in a number. */
function readNumber(bytes: Uint8Array): Result<string, string> {
  if (bytes.length < 1 || bytes.length > 6) return fail('1 to 6 bytes')
  return ok(String(Buffer.from(bytes).readUIntBE(0, bytes.length)))
}

function writeNumber(text: string, byteCount: number): Result<Uint8Array, string> {
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (!(byteCount <= 6 && number < 2 ** (8 * byteCount)))
    return fail(`a number of ${byteCount} bytes`)
  const bytes = Buffer.alloc(byteCount)
  bytes.writeUIntBE(number, 0, byteCount)
  return ok(new Uint8Array(bytes))
}
