import { fail, ok, type Result } from '../core/result.js'

/** `1250` with 2 implied places is `12.50`; a leading minus stays in front. */
export function placePoint(digits: string, places: number): Result<string, string> {
  const [, sign = '', whole = ''] = /^(-?)(\d{1,15})$/.exec(digits) ?? []
  if (whole === '') return fail('digits only')
  const padded = whole.padStart(places + 1, '0')
  const split = padded.length - places
  const trimmed = padded.slice(0, split).replace(/^0+(?=\d)/, '')
  return ok(sign + (places === 0 ? trimmed : `${trimmed}.${padded.slice(split)}`))
}

/** `12.50` written with 2 implied places is `1250`; fails on any other number of decimals. */
export function removePoint(text: string, places: number): Result<string, string> {
  const [, sign = '', whole, fraction = ''] = /^(-?)(\d{1,15})(?:\.(\d{1,9}))?$/.exec(text) ?? []
  if (whole === undefined || fraction.length !== places) return fail(`${places} decimals`)
  return ok(sign + whole + fraction)
}

/** How one thousand, two hundred and thirty-four and a half is written; the first is the usual. */
export const NUMBER_STYLES = [
  '1234.50',
  '1234,50',
  '1.234,50',
  '1,234.50',
  '1 234,50',
  "1'234.50",
] as const

export type NumberStyle = (typeof NUMBER_STYLES)[number]

function marksOf(style: NumberStyle): { readonly group: string; readonly point: string } {
  return { group: style.length === 8 ? style.slice(1, 2) : '', point: style.slice(-3, -2) }
}

/**
 * With a point and without groups; undefined where it is not written in this style. Groups are of
 * three digits each, or there are none: `0.250` is no number where the point parts thousands.
 */
export function readNumber(text: string, style: NumberStyle): string | undefined {
  const { group, point } = marksOf(style)
  const [written = '', ...fractions] = text.split(point)
  const [fraction] = fractions
  const whole = group === '' ? written : written.replaceAll(group, '')
  const isGrouped = group !== '' && written.includes(group)
  const isWhole = isGrouped
    ? /^-?[1-9]\d{0,14}$/.test(whole) && writeNumber(whole, style) === written
    : /^-?\d{1,15}$/.test(whole)
  const isFraction = fraction === undefined || /^\d{1,9}$/.test(fraction)
  if (!isWhole || !isFraction || fractions.length > 1) return undefined
  return fraction === undefined ? whole : `${whole}.${fraction}`
}

/** The inverse, with groups where the style has them. */
export function writeNumber(text: string, style: NumberStyle): string {
  const { group, point } = marksOf(style)
  const [whole = '', ...fraction] = text.split('.')
  return [whole.replace(/\d(?=(\d{3})+$)/g, `$&${group}`), ...fraction].join(point)
}

/** Exact: `230.5` times `0.1` is `23.05`. Both as `-?digits(.digits)?`. */
export function multiplyDecimals(left: string, right: string): string {
  const [one, other] = [partsOf(left), partsOf(right)]
  return textOf({ digits: one.digits * other.digits, places: one.places + other.places })
}

/** The whole number of times that `step` goes into `text`; nothing where something is left over. */
export function wholeSteps(text: string, step: string): bigint | undefined {
  const [value, unit] = [partsOf(text), partsOf(step)]
  const dividend = value.digits * 10n ** BigInt(unit.places)
  const divisor = unit.digits * 10n ** BigInt(value.places)
  return divisor === 0n || dividend % divisor !== 0n ? undefined : dividend / divisor
}

/** To so many decimals at most, half of one away from zero; without zeros behind. */
export function roundDecimal(text: string, places: number): string {
  const value = partsOf(text)
  if (value.places <= places) return textOf(value)
  const unit = 10n ** BigInt(value.places - places)
  const half = value.digits < 0n ? -unit / 2n : unit / 2n
  return textOf({ digits: (value.digits + half) / unit, places })
}

interface DecimalParts {
  readonly digits: bigint
  readonly places: number
}

function partsOf(text: string): DecimalParts {
  const [whole = '0', fraction = ''] = text.split('.')
  return { digits: BigInt(whole + fraction), places: fraction.length }
}

function textOf({ digits, places }: DecimalParts): string {
  const sign = digits < 0n ? '-' : ''
  const padded = String(digits < 0n ? -digits : digits).padStart(places + 1, '0')
  const split = padded.length - places
  const fraction = padded.slice(split).replace(/0+$/, '')
  return sign + padded.slice(0, split) + (fraction === '' ? '' : `.${fraction}`)
}
