import { hasValidCheckDigit } from '../codec/check-digit.js'
import { readDate, readTime, writeDate, writeTime } from '../codec/date.js'
import {
  type NumberStyle,
  placePoint,
  readNumber,
  removePoint,
  writeNumber,
} from '../codec/decimal.js'
import { readElementString } from '../codec/gs1.js'
import { currencyPlaces, formatAmount, parseAmount } from '../core/money.js'
import { fail, ok, type Result } from '../core/result.js'
import { maskPan } from '../security/pan-scheme.js'
import type { FieldValue, ValueField } from './field-type.js'

/** What all fields of one message share. */
export interface FieldContext {
  readonly charset: 'ascii' | 'latin1' | 'utf8'
  /** ISO 4217; amounts are read in it. Undefined where the message has none. */
  readonly currency: string | undefined
  /** How decimals and amounts are written, where their fields do not say it. */
  readonly decimals: NumberStyle
}

/**
 * The value that `wire` means: the field's bytes as Latin-1 text, digits where the layout says
 * BCD or a number. A failure says what was expected and never what was found, for that may be a
 * card number.
 */
export function readField(
  field: ValueField,
  options: FieldContext & { readonly wire: string },
): Result<FieldValue, string> {
  const { wire } = options
  switch (field.type) {
    case 'text':
      return readText({ wire, charset: options.charset, max: field.max })
    case 'raw':
      return wire.length <= field.max ? ok(wire) : fail(`at most ${field.max} bytes`)
    case 'digits':
      return readDigits(field, wire)
    case 'integer':
      return readInteger(field, wire)
    case 'decimal':
      return readDecimal(field, options)
    case 'amount':
      return readAmount(field, options)
    case 'date':
      return readDate(wire, field.format)
    case 'time':
      return readTime(wire, field.format)
    case 'choice': {
      const meaning = Object.entries(field.values).find(([code]) => code === wire)?.[1]
      return meaning === undefined
        ? fail(`one of ${Object.keys(field.values).join(', ')}`)
        : ok(meaning)
    }
    case 'gtin':
      if (!/^\d+$/.test(wire) || wire.length !== field.length) return fail(`${field.length} digits`)
      return hasValidCheckDigit(wire) ? ok(wire) : fail('a valid check digit')
    case 'element-string': {
      const elements = readElementString(wire)
      return elements.ok ? ok(wire) : fail(`a GS1 element string: ${elements.error}`)
    }
    case 'pan': {
      const masked = maskPan(wire)
      return masked === undefined ? fail('a card number, masked or not') : ok(masked)
    }
    case 'sensitive':
      return ok(wire)
  }
}

/** The wire text of a value: the inverse of `readField`; whoever calls reads it back to be sure. */
export function writeField(
  field: ValueField,
  options: FieldContext & { readonly value: FieldValue },
): Result<string, string> {
  const { value, currency } = options
  const text = String(value)
  switch (field.type) {
    case 'text':
      return ok(Buffer.from(text, options.charset).toString('latin1'))
    case 'decimal':
      return field.implied === undefined
        ? ok(writeNumber(text, field.decimals ?? options.decimals))
        : removePoint(text, field.implied)
    case 'amount': {
      if (currency === undefined || typeof value !== 'number')
        return fail('minor units and currency')
      const major = formatAmount(value, currency)
      if (field.implied === undefined)
        return ok(writeNumber(major, field.decimals ?? options.decimals))
      const places = currencyPlaces(currency)
      return field.implied === places
        ? ok(text)
        : removePoint(padDecimals(major, field.implied), field.implied)
    }
    case 'date':
      return writeDate(text, field.format)
    case 'time':
      return writeTime(text, field.format)
    case 'choice': {
      const code = Object.entries(field.values).find(([, meaning]) => meaning === value)?.[0]
      return code === undefined
        ? fail(`one of ${Object.values(field.values).join(', ')}`)
        : ok(code)
    }
    default:
      return ok(text)
  }
}

/** Number-like fields are filled up with zeros in front, the others with blanks behind. */
export function isNumeric(field: ValueField): boolean {
  return field.type === 'integer' || field.type === 'decimal' || field.type === 'amount'
}

function readText(options: {
  readonly wire: string
  readonly charset: FieldContext['charset']
  readonly max: number
}): Result<string, string> {
  const { wire, charset, max } = options
  const bytes = Buffer.from(wire, 'latin1')
  if (charset === 'ascii' && bytes.some(byte => byte > 0x7e)) return fail('ASCII text')
  // A decoder that met bad UTF-8 has put U+FFFD for it, and no longer gives the same bytes.
  const decoded = bytes.toString(charset)
  if (!Buffer.from(decoded, charset).equals(bytes)) return fail('UTF-8 text')
  const text = decoded.replace(/ +$/, '')
  if (/\p{Cc}/u.test(text)) return fail('text without control characters')
  return text.length <= max ? ok(text) : fail(`at most ${max} characters`)
}

function readDigits(
  field: Extract<ValueField, { type: 'digits' }>,
  wire: string,
): Result<string, string> {
  const { length, max = 40 } = field
  const fits =
    length === undefined ? wire.length >= 1 && wire.length <= max : wire.length === length
  return fits && /^\d+$/.test(wire)
    ? ok(wire)
    : fail(length === undefined ? `1 to ${max} digits` : `${length} digits`)
}

function readInteger(
  field: Extract<ValueField, { type: 'integer' }>,
  wire: string,
): Result<number, string> {
  const number = /^\d{1,10}$/.test(wire) ? Number(wire) : Number.NaN
  return number >= field.min && number <= field.max
    ? ok(number)
    : fail(`a whole number from ${field.min} to ${field.max}`)
}

function readDecimal(
  field: Extract<ValueField, { type: 'decimal' }>,
  options: { readonly wire: string; readonly decimals: NumberStyle },
): Result<string, string> {
  const { wire } = options
  if (wire.startsWith('-') && field.signed !== true) return fail('a decimal without a sign')
  if (field.implied !== undefined) return placePoint(wire, field.implied)
  const style = field.decimals ?? options.decimals
  const plain = readNumber(wire, style)
  return plain === undefined ? fail(`a number written as ${style}`) : ok(plain)
}

/** Every decimal of the currency must be there: a lost point must never make euros of cents. */
function readAmount(
  field: Extract<ValueField, { type: 'amount' }>,
  options: FieldContext & { readonly wire: string },
): Result<number, string> {
  const { wire, currency } = options
  if (currency === undefined) return fail('a currency to read it in')
  if (wire.startsWith('-') && field.signed !== true) return fail('an amount without a sign')
  const places = currencyPlaces(currency)
  const written = new RegExp(places === 0 ? '^-?\\d{1,13}$' : `^-?\\d{1,13}\\.\\d{${places}}$`)
  const style = field.decimals ?? options.decimals
  const read = ok(readNumber(wire, style) ?? '')
  const placed = field.implied === undefined ? read : placePoint(wire, field.implied)
  if (!placed.ok || (field.implied === undefined && !written.test(placed.value))) {
    const example = style === '1234.50' || field.implied !== undefined ? '' : `, as in ${style}`
    return fail(`an amount with ${field.implied ?? places} decimals${example}`)
  }
  const minor = parseAmount(placed.value, currency)
  return minor.ok ? minor : fail(`an amount that ${currency} can express`)
}

function padDecimals(text: string, places: number): string {
  const [whole = '', fraction = ''] = text.split('.')
  return places === 0 ? text : `${whole}.${fraction.padEnd(places, '0')}`
}
