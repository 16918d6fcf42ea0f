import { isoCurrency, isoNumber } from '../../codec/currency-number.js'

/** `0978`, as BMP 49 has it, → `EUR`; nothing for a number that is no currency of ours. */
export function currencyCode(digits: string): string | undefined {
  return digits.startsWith('0') ? isoCurrency(digits.slice(1)) : undefined
}

/** `EUR` → `0978`. */
export function currencyNumber(code: string): string | undefined {
  const number = isoNumber(code)
  return number && `0${number}`
}
