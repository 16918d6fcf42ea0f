import { z } from 'zod'

/** Integer minor units of the currency beside it: cents for EUR, yen for JPY. */
export const amountMinor = z.int()
/** ISO 4217 alphabetic code. */
export const currency = z.string().regex(/^[A-Z]{3}$/, 'an ISO 4217 code such as EUR')
/** A quantity as its exact decimal text: never a floating-point number. */
export const decimal = z.string().regex(/^-?\d{1,15}(\.\d{1,9})?$/, 'a decimal such as "1.250"')
/** A calendar day of the terminal's business, `YYYY-MM-DD`. */
export const businessDay = z.iso.date()
/** Short text from a terminal. */
export const text = z.string().max(200)
/** Lower-case hexadecimal, two digits a byte. */
export const hex = z.string().regex(/^([0-9a-f]{2})*$/, 'lower-case hexadecimal')
/** At most the first six and last four digits of a card number; the rest stars (PCI DSS 3.4.1). */
export const maskedPan = z.string().regex(/^\d{0,6}\*{2,}\d{0,4}$/, 'a masked card number')
