import { z } from 'zod'
import { rowCount, rowsShape, valueFields } from './field-type.js'

const hexByte = z
  .string()
  .regex(/^[0-9a-f]{2}$/)
  .meta({ description: 'one byte as two hexadecimal digits', examples: ['1f'] })

const separator = z
  .string()
  .length(1)
  .meta({ description: 'one character', examples: ['|'] })

/** May be missing on the wire; then the field has no value. */
const optional = z.literal(true).exactOptional()

/** A column that always holds this text and means nothing. */
const constant = z.strictObject({ type: z.literal('constant'), text: z.string().max(200) })

/** Columns between separators. A column that is empty and optional has no value. */
const delimited = z.strictObject({
  type: z.literal('delimited'),
  separator,
  fields: z.array(
    z.discriminatedUnion('type', [
      ...valueFields({ optional }),
      constant,
      /**
       * One column a row, its fields between separators of their own; with `between`, all rows in
       * one column, between these. Without a `count`: as many as there are.
       */
      z.strictObject({
        ...rowsShape,
        count: rowCount.exactOptional(),
        between: separator.exactOptional(),
        separator,
        fields: z.array(z.discriminatedUnion('type', valueFields({ optional }))),
      }),
    ]),
  ),
})

/**
 * How bytes of a column stand for its text. `uint-be`, `uint-le`: a number in its decimal digits.
 */
const CODINGS = ['text', 'bcd', 'uint-be', 'uint-le'] as const
export type Coding = (typeof CODINGS)[number]

const column = {
  /** The width of the column. */
  bytes: z.int().min(1).max(4096),
  coding: z.enum(CODINGS).exactOptional(),
} as const

/** Columns of fixed width, text or binary, one after another to the end of the message. */
const columns = z.strictObject({
  type: z.literal('columns'),
  fields: z.array(
    z.discriminatedUnion('type', [
      ...valueFields(column),
      constant,
      z.strictObject({
        ...rowsShape,
        count: rowCount,
        fields: z.array(z.discriminatedUnion('type', valueFields(column))),
      }),
    ]),
  ),
})

const tagged = {
  tag: hexByte,
  coding: z.enum(CODINGS).exactOptional(),
  /** The value's exact length; without it, text and BCD take what they need. */
  bytes: z.int().min(1).max(4096).exactOptional(),
  optional,
} as const

/** Elements of a one-byte tag, a length and a value, in any order; unknown tags are refused. */
const tlv = z.strictObject({
  type: z.literal('tlv'),
  lengths: z.enum(['byte', 'ber']),
  fields: z.array(
    z.discriminatedUnion('type', [
      ...valueFields(tagged),
      /** One element a row, its value again elements; `count` names the field that must agree. */
      z.strictObject({
        ...rowsShape,
        tag: hexByte,
        count: rowCount.exactOptional(),
        fields: z.array(z.discriminatedUnion('type', valueFields(tagged))),
      }),
    ]),
  ),
})

/**
 * A regular expression over the whole message (Latin-1), a named group for each field; and the
 * template that writes it: `{weight:>10}` is the field `weight`, blanks in front to ten characters.
 */
const pattern = z.strictObject({
  type: z.literal('pattern'),
  pattern: z.string().min(1).max(1000),
  template: z.string().max(1000),
  fields: z.array(z.discriminatedUnion('type', valueFields({ optional }))),
})

export const layoutSchema = z.discriminatedUnion('type', [delimited, columns, tlv, pattern])

export type Layout = z.infer<typeof layoutSchema>
export type DelimitedLayout = z.infer<typeof delimited>
export type ColumnsLayout = z.infer<typeof columns>
export type TlvLayout = z.infer<typeof tlv>
