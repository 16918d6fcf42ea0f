import { fail, ok, type Result } from './result.js'

/**
 * Decimal places of each ISO 4217 currency that has not two (list one, 2024-06).
 * `amountMinor` counts 10^-places of the unit: cents, yen, fils.
 */
const PLACES: Readonly<Record<string, number>> = {
  BIF: 0,
  CLP: 0,
  DJF: 0,
  GNF: 0,
  ISK: 0,
  JPY: 0,
  KMF: 0,
  KRW: 0,
  PYG: 0,
  RWF: 0,
  UGX: 0,
  UYI: 0,
  VND: 0,
  VUV: 0,
  XAF: 0,
  XOF: 0,
  XPF: 0,
  BHD: 3,
  IQD: 3,
  JOD: 3,
  KWD: 3,
  LYD: 3,
  OMR: 3,
  TND: 3,
  CLF: 4,
  UYW: 4,
}

export function currencyPlaces(currency: string): number {
  return PLACES[currency] ?? 2
}

/**
 * Minor units of a decimal text (`-12.50`, `7`); exact, no floating point.
 * Fails on more decimals than the currency has, unless they are zeros.
 */
export function parseAmount(text: string, currency: string): Result<number, string> {
  const places = currencyPlaces(currency)
  const match = /^([+-]?)(\d{1,13})(?:\.(\d{1,6}))?$/.exec(text.trim())
  if (match === null) return fail(`not an amount: ${JSON.stringify(text.slice(0, 40))}`)
  const [, sign, whole = '', fraction = ''] = match
  if (/[1-9]/.test(fraction.slice(places)))
    return fail(`${text} has more decimals than ${currency} allows (${places})`)
  const minor = Number(whole + fraction.slice(0, places).padEnd(places, '0'))
  if (!Number.isSafeInteger(minor)) return fail(`${text} is too large an amount`)
  return ok(sign === '-' && minor !== 0 ? -minor : minor)
}

/** `1250`, `EUR` → `12.50`. */
export function formatAmount(amountMinor: number, currency: string): string {
  const places = currencyPlaces(currency)
  const digits = String(Math.abs(amountMinor)).padStart(places + 1, '0')
  const sign = amountMinor < 0 ? '-' : ''
  if (places === 0) return sign + digits
  return `${sign}${digits.slice(0, -places)}.${digits.slice(-places)}`
}
