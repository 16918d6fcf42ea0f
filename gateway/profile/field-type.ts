import { z } from 'zod'
import { DATE_FORMATS, TIME_FORMATS } from '../codec/date.js'
import { NUMBER_STYLES } from '../codec/decimal.js'

/** What `decode` gives and `encode` takes for one field. Rows of a message are a list of these. */
export type FieldValue = string | number | boolean

const name = z
  .string()
  .regex(/^[a-z][A-Za-z0-9]{0,39}$/)
  .meta({ description: 'a name such as receiptNumber', examples: ['receiptNumber'] })

const size = (what: string) =>
  z
    .int()
    .min(1)
    .max(4096)
    .meta({ description: `${what}, 1 to 4096`, examples: [20] })

/** Decimals that the terminal leaves out: 2 reads `1250` as 12.50. Absent: it writes the point. */
const implied = z.int().min(0).max(9).exactOptional()

/** How numbers are written: one thousand, two hundred and thirty-four and a half as an example. */
export const decimals = z.enum(NUMBER_STYLES).exactOptional()

/** Printable text in the dialect's charset; trailing blanks do not count. */
const text = z.strictObject({ type: z.literal('text'), name, max: size('characters') })

/** Any bytes at all, as Latin-1 text: barcodes may hold control characters. */
const raw = z.strictObject({ type: z.literal('raw'), name, max: size('bytes') })

/** Digits that are a name, not a number: leading zeros count. Exactly `length`, or up to `max`. */
const digits = z.strictObject({
  type: z.literal('digits'),
  name,
  length: size('digits').exactOptional(),
  max: size('digits').exactOptional(),
})

/** A count. */
const integer = z.strictObject({
  type: z.literal('integer'),
  name,
  min: z.int().min(0),
  max: z.int().max(1_000_000_000),
})

/** A quantity or price per unit: its exact decimal text, with a point. */
const decimal = z.strictObject({
  type: z.literal('decimal'),
  name,
  implied,
  /** Where it is written in another way than the dialect says. */
  decimals,
  signed: z.literal(true).exactOptional(),
})

/**
 * Money, as integer minor units of the dialect's currency. A written point has all its decimals.
 */
const amount = z.strictObject({
  type: z.literal('amount'),
  name,
  implied,
  decimals,
  signed: z.literal(true).exactOptional(),
})

/** A day, as `YYYY-MM-DD`. */
const date = z.strictObject({ type: z.literal('date'), name, format: z.enum(DATE_FORMATS) })

/** A time of day on the terminal's clock, as `HH:MM:SS`. */
const time = z.strictObject({ type: z.literal('time'), name, format: z.enum(TIME_FORMATS) })

/** One of a few: what is on the wire → what it means. Anything else is refused. */
const choice = z.strictObject({
  type: z.literal('choice'),
  name,
  values: z.record(z.string(), z.union([z.string(), z.boolean()])),
})

/** A GTIN of this many digits, its check digit valid. */
const gtin = z.strictObject({
  type: z.literal('gtin'),
  name,
  length: z.union([z.literal(8), z.literal(12), z.literal(13), z.literal(14)]),
})

/** A GS1 element string (without the symbology identifier), every element valid. */
const elementString = z.strictObject({ type: z.literal('element-string'), name })

/**
 * A card number, masked by the terminal or not: its value keeps the last four digits and at most
 * the first six.
 */
const pan = z.strictObject({ type: z.literal('pan'), name })

/**
 * A track, a PIN block, a card's security code: a message in which it has a value is dropped whole,
 * and raises the alarm `card-data`.
 */
const sensitive = z.strictObject({ type: z.literal('sensitive'), name })

/** The field types, each with what a layout adds to say where the field stands. */
export function valueFields<Where extends z.ZodRawShape>(where: Where) {
  return [
    text.extend(where),
    raw.extend(where),
    digits.extend(where),
    integer.extend(where),
    decimal.extend(where),
    amount.extend(where),
    date.extend(where),
    time.extend(where),
    choice.extend(where),
    gtin.extend(where),
    elementString.extend(where),
    pan.extend(where),
    sensitive.extend(where),
  ] as const
}

const anyValueField = z.discriminatedUnion('type', valueFields({}))

/** How one field of a message is read and written, wherever it stands. */
export type ValueField = z.infer<typeof anyValueField>

/** The parts every group of rows has; a layout adds how one row is laid out. */
export const rowsShape = {
  type: z.literal('rows'),
  name,
  max: z
    .int()
    .min(1)
    .max(1000)
    .meta({ description: 'the most rows, 1 to 1000', examples: [200] }),
} as const

/** The `integer` field, earlier in the message, that says how many rows follow. */
export const rowCount = name
