import { isCalendarDay } from '../../codec/date.js'
import { parseAmount } from '../../core/money.js'
import type { ReceiptGrammar } from './receipt-grammar.js'

/** `1.234,50-` as `-1234.50`. */
export function plainDecimal(text: string, decimals: ReceiptGrammar['decimals']): string {
  const [group, point] = decimals === '1.234,50' ? ['.', ','] : [',', '.']
  const plain = text.replaceAll(group, '').replace(point, '.').replaceAll('-', '')
  return text.includes('-') ? `-${plain}` : plain
}

/** Minor units; the pattern has seen to the decimals, so only a huge number is none. */
export function printedAmount(text: string, grammar: ReceiptGrammar): number | undefined {
  const amount = parseAmount(plainDecimal(text, grammar.decimals), grammar.currency)
  return amount.ok ? amount.value : undefined
}

/** `YYYY-MM-DD`, or nothing where it is no day of the calendar. */
export function printedDate(text: string, order: ReceiptGrammar['dates']): string | undefined {
  const parts = text.split(/[./-]/)
  const part = (letter: string): string => parts[order.indexOf(letter)] ?? ''
  const [printedYear, month, day] = [part('Y'), part('M'), part('D')]
  const year = printedYear.length === 2 ? `20${printedYear}` : printedYear
  if (day.length > 2 || month.length > 2) return undefined
  const whole = { year: Number(year), month: Number(month), day: Number(day) }
  if (!/^(?:19|20)\d\d$/.test(year) || !isCalendarDay(whole)) return undefined
  return `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`
}

/** `HH:MM:SS`, or nothing where there is no such time. */
export function printedTime(text: string): string | undefined {
  const [, hours = '', minutes = '', seconds = '00', half] =
    /^(\d{1,2}):(\d\d)(?::(\d\d))? ?([AP]M)?$/.exec(text) ?? []
  const hour = half === undefined ? Number(hours) : (Number(hours) % 12) + (half === 'PM' ? 12 : 0)
  if (hours === '' || hour > 23 || Number(minutes) > 59 || Number(seconds) > 59) return undefined
  return `${String(hour).padStart(2, '0')}:${minutes}:${seconds}`
}

const SCALE = 6

/** Whether quantity times price is the amount, but for rounding up or down. */
export function isProduct(
  { quantity, unitPrice }: { readonly quantity: string; readonly unitPrice: string },
  { amount, places }: { readonly amount: number; readonly places: number },
): boolean {
  const product = scaled(quantity) * scaled(unitPrice)
  const minor = 10n ** BigInt(2 * SCALE - places)
  const difference = product - BigInt(Math.abs(amount)) * minor
  return (difference < 0n ? -difference : difference) < minor
}

function scaled(decimal: string): bigint {
  const [whole = '0', fraction = ''] = decimal.split('.')
  return BigInt(whole + fraction.padEnd(SCALE, '0'))
}
