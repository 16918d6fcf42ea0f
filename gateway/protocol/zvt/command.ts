import { concatBytes } from '../../core/bytes.js'
import { fail, ok, type Result } from '../../core/result.js'
import type { LinkCommand } from '../../line/link/link.js'
import { encodeApdu } from './apdu.js'
import { type Bmp, bcd, encodeBmps } from './bmp.js'
import { currencyNumber } from './currency.js'

/** What the gateway tells the terminal as its till. */
export interface TillOptions {
  /** Six digits, as the terminal's operator chose them. */
  readonly password: string
  /** ISO 4217. */
  readonly currency: string
  /** PA00P015 13.08, 2.1: who prints, and whether intermediate states are sent. */
  readonly configByte: number
}

/** Send the status and do not print. */
const STATUS_ONLY = 0x03
/** The terminal asks again, so many times, where it is told to wait for the journal. */
const STATUS_REPEATS = 0x0a
const LARGEST_AMOUNT = 999_999_999_999

export const VERBS = [
  'register',
  'authorise',
  'reverse',
  'refund',
  'repeat-receipt',
  'end-of-day',
  'status',
  'abort',
] as const

/** The APDU of a command; fails where its values do not say enough, or the verb is none. */
export function apduOfCommand(
  { verb, values }: Pick<LinkCommand, 'verb' | 'values'>,
  options: TillOptions,
): Result<Uint8Array, string> {
  const password = bcd(options.password, 3)
  switch (verb) {
    case 'register':
      return ok(registration(options))
    case 'authorise': {
      const money = moneyOf(values, options)
      const repeats = { tag: 0x02, value: Uint8Array.of(STATUS_REPEATS) }
      return money.ok ? ok(apdu('0601', [...money.value, repeats])) : money
    }
    case 'refund': {
      const money = moneyOf(values, options)
      return money.ok ? ok(apdu('0631', money.value, password)) : money
    }
    case 'reverse': {
      const { receiptNumber } = values
      if (!/^\d{1,4}$/.test(String(receiptNumber))) return fail('receiptNumber: up to four digits')
      return ok(apdu('0630', [{ tag: 0x87, value: bcd(String(receiptNumber), 2) }], password))
    }
    case 'repeat-receipt':
      return ok(repeatReceipt(options))
    case 'end-of-day':
      return ok(apdu('0650', [], password))
    case 'status':
      return ok(statusEnquiry(options.password))
    case 'abort':
      return ok(apdu('06B0', []))
    default:
      return fail(`the terminal has no ${verb}; there are ${VERBS.join(', ')}`)
  }
}

export function registration(options: TillOptions): Uint8Array {
  const { password, configByte, currency } = options
  const head = concatBytes([bcd(password, 3), Uint8Array.of(configByte), currencyBcd(currency)])
  return apdu('0600', [], head)
}

export function statusEnquiry(password: string): Uint8Array {
  return apdu('0501', [], bcd(password, 3))
}

/** Asks for the last status again, and for no print. */
export function repeatReceipt({ password }: TillOptions): Uint8Array {
  const service = { tag: 0x03, value: Uint8Array.of(STATUS_ONLY) }
  return apdu('0620', [service], bcd(password, 3))
}

function moneyOf(
  values: LinkCommand['values'],
  options: TillOptions,
): Result<readonly Bmp[], string> {
  const { amountMinor } = values
  const isAmount = Number.isSafeInteger(amountMinor) && Number(amountMinor) > 0
  if (!isAmount || Number(amountMinor) > LARGEST_AMOUNT)
    return fail('amountMinor: a whole number of minor units above 0')
  return ok([
    { tag: 0x04, value: bcd(String(amountMinor), 6) },
    { tag: 0x49, value: currencyBcd(options.currency) },
  ])
}

function apdu(control: string, bmps: readonly Bmp[], head?: Uint8Array): Uint8Array {
  const body = encodeBmps(bmps)
  return encodeApdu({ control, data: head === undefined ? body : concatBytes([head, body]) })
}

function currencyBcd(code: string): Uint8Array {
  const number = currencyNumber(code)
  if (number === undefined) throw new RangeError(`${code}: no currency that ZVT can name`)
  return bcd(number, 2)
}
