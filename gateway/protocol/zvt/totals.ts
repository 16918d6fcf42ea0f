import { digitsOfBcd } from '../../codec/bcd.js'
import { concatBytes } from '../../core/bytes.js'
import { bcd } from './bmp.js'

/** The schemes that BMP 60 of an end of day counts, in its order. */
export const TOTALED = ['girocard', 'jcb', 'eurocard', 'amex', 'visa', 'diners', 'others'] as const

export interface Totals {
  readonly firstReceipt: string
  readonly lastReceipt: string
  readonly schemes: readonly SchemeTotal[]
}

export interface SchemeTotal {
  readonly scheme: (typeof TOTALED)[number]
  readonly count: number
  readonly amountMinor: number
}

const RECEIPT_BYTES = 2
const SCHEME_BYTES = 7
/** First and last receipt, then a count and a sum for each scheme: 53 bytes. */
const BYTES = 2 * RECEIPT_BYTES + TOTALED.length * SCHEME_BYTES

/** Nothing where it is not all there, or holds what is no number. */
export function readTotals(value: Uint8Array): Totals | undefined {
  if (value.length !== BYTES) return undefined
  const first = digitsOfBcd(value.subarray(0, RECEIPT_BYTES))
  const last = digitsOfBcd(value.subarray(RECEIPT_BYTES, 2 * RECEIPT_BYTES))
  const schemes = TOTALED.flatMap((scheme, index) => {
    const from = 2 * RECEIPT_BYTES + index * SCHEME_BYTES
    const sum = digitsOfBcd(value.subarray(from + 1, from + SCHEME_BYTES))
    return sum.ok ? [{ scheme, count: value[from] ?? 0, amountMinor: Number(sum.value) }] : []
  })
  if (!first.ok || !last.ok || schemes.length < TOTALED.length) return undefined
  return { firstReceipt: first.value, lastReceipt: last.value, schemes }
}

/** @throws RangeError where a number does not fit. */
export function encodeTotals(
  { firstReceipt = '0', lastReceipt = '0' }: Readonly<Record<string, unknown>>,
  rows: readonly Readonly<Record<string, unknown>>[],
): Uint8Array {
  const receipts = [firstReceipt, lastReceipt].map(number => bcd(String(number), RECEIPT_BYTES))
  const schemes = TOTALED.flatMap(scheme => {
    const { count = 0, sum = 0 } = rows.find(({ scheme: name }) => name === scheme) ?? {}
    return [Uint8Array.of(Number(count)), bcd(String(sum), SCHEME_BYTES - 1)]
  })
  return concatBytes([...receipts, ...schemes])
}
