import { z } from 'zod'
import { isoNumber } from '../../codec/currency-number.js'
import { fail, ok, type Result } from '../../core/result.js'
import { maskPan } from '../../security/pan-scheme.js'
import type {
  FieldOutline,
  MessageOutline,
  ProtocolFields,
  ProtocolValue,
  Reading,
} from '../protocol.js'

/** ISO 4217, and what it usually is with these terminals. */
export function currencyOption(usual: string) {
  return z
    .string()
    .refine(code => isoNumber(code) !== undefined, 'expected an ISO 4217 code, such as EUR')
    .default(usual)
}

const optional = (name: string, type: FieldOutline['type'] = 'text'): FieldOutline => ({
  name,
  type,
  optional: true,
})

/** What a payment terminal says of one payment; the amount alone is always there. */
export const PAYMENT_FIELDS: readonly FieldOutline[] = [
  { name: 'amount', type: 'amount' },
  optional('reference'),
  optional('currency'),
  optional('cardScheme'),
  optional('maskedPan'),
  optional('authorisationCode'),
  optional('receiptNumber'),
  optional('traceNumber'),
  optional('terminalId'),
  optional('date', 'date'),
  optional('time', 'time'),
  optional('responseCode'),
  optional('text'),
]

/** Those that move money, and so must be known again when they are repeated. */
const BOOKED: readonly PaymentKind[] = ['approved', 'reversed', 'refunded']

/**
 * The messages that every payment protocol of this folder has, whatever it calls them. `key` names
 * fields that are always there in what is booked: a dialect makes the event's key of them.
 */
export function paymentMessages(key: readonly string[]): readonly MessageOutline[] {
  const booked = PAYMENT_FIELDS.map(({ optional: _, ...field }) =>
    key.includes(field.name) || field.name === 'amount' ? field : optional(field.name, field.type),
  )
  return [
    ...BOOKED.map(name => ({ name, fields: booked })),
    { name: 'declined', fields: PAYMENT_FIELDS },
    /** A till asks for money; what comes of it is another message. */
    { name: 'requested', fields: PAYMENT_FIELDS },
    /** The terminal is at work, shows something, keeps the line alive: nothing is decided. */
    { name: 'progress', fields: [optional('text')] },
    /** Everything else that the protocol has and that moves no money. */
    { name: 'other', fields: [optional('text')] },
  ]
}

export type PaymentKind =
  | 'approved'
  | 'declined'
  | 'reversed'
  | 'refunded'
  | 'requested'
  | 'unknown'
  | 'progress'
  | 'other'

/** Members without a value are left out. */
export type PaymentFields = Readonly<Record<string, ProtocolValue | undefined>>

/** One message; a card number in it is shortened here, before anything else can see it. */
export function paymentReading(
  name: PaymentKind,
  given: PaymentFields,
  key: readonly string[] = [],
): Reading {
  const { maskedPan, ...others } = given
  const { amount } = others
  const moves = name !== 'progress' && name !== 'other'
  if (moves && typeof amount !== 'number')
    return { type: 'rejected', message: name, issue: 'amount: it is missing' }
  if (moves && Number(amount) < 0)
    return { type: 'rejected', message: name, issue: 'amount: it is negative' }
  const missing = BOOKED.includes(name) ? key.find(field => (given[field] ?? '') === '') : undefined
  if (missing !== undefined)
    return { type: 'rejected', message: name, issue: `${missing}: it is missing` }
  const card =
    maskedPan === undefined || maskedPan === '' ? ok(undefined) : shortened(String(maskedPan))
  if (!card.ok) return { type: 'rejected', message: name, issue: card.error }
  const fields = presentFields({ ...others, maskedPan: card.value })
  return { type: 'messages', messages: [{ name, fields }] }
}

/**
 * The terminal approved something, and nobody here can say whether money came or went.
 */
export function unreadApproval(what: string): Reading {
  return { type: 'rejected', message: 'approved', issue: `${what}: it is approved, and not read` }
}

function shortened(stated: string): Result<string, string> {
  const masked = maskPan(stated)
  return masked === undefined ? fail('maskedPan: expected a card number') : ok(masked)
}

function presentFields(given: PaymentFields): ProtocolFields {
  const entries = Object.entries(given).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, value] as const],
  )
  return Object.fromEntries(entries)
}

/** Digits as a count of minor units; undefined where they are none or too many to be exact. */
export function minorUnits(digits: string | undefined): number | undefined {
  if (digits === undefined || !/^\d{1,15}$/.test(digits)) return undefined
  return Number(digits)
}

/** What `encode` was given for a field. @throws RangeError naming it where it is missing. */
export function given(values: Readonly<Record<string, unknown>>, name: string): string {
  const value = values[name]
  if (typeof value !== 'string' && typeof value !== 'number')
    throw new RangeError(`${name}: expected text or a number`)
  return String(value)
}

/** The same of what may be left out. */
export function optionally(values: Readonly<Record<string, unknown>>, name: string): string {
  return values[name] === undefined ? '' : given(values, name)
}

/** @throws RangeError: nothing is written in this message's name. */
export function unwritten(message: string, written: readonly string[]): never {
  throw new RangeError(`no message ${message}; there are ${written.join(', ')}`)
}
