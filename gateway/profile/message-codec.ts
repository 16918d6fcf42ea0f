import { NUMBER_STYLES, type NumberStyle } from '../codec/decimal.js'
import { concatBytes, fromHex } from '../core/bytes.js'
import { ok, type Result } from '../core/result.js'
import { canonicalJson } from '../event/canonical-json.js'
import type { FieldValue } from './field-type.js'
import { type FieldContext, readField, writeField } from './field-value.js'
import { createLayout, type LayoutCodec } from './layout/catalog.js'
import {
  type FieldIssue,
  issue,
  textOf,
  type WireFields,
  type WireRow,
  rowsOf as wireRowsOf,
} from './layout/fields.js'
import {
  type MessageFields,
  type Outline,
  outlineOf,
  type PlacedField,
  type Row,
  rowsOf,
  scalarOf,
} from './message-fields.js'
import type { DialectFile, Message } from './schema.js'

type Charset = FieldContext['charset']

/** One message of a dialect, read and written by the same declaration. Pure. */
export class MessageCodec {
  readonly message: Message
  readonly #outline: Outline
  readonly #layout: LayoutCodec
  readonly #begins: Uint8Array
  readonly #charset: Charset
  readonly #currency: string | undefined
  readonly #decimals: NumberStyle

  constructor(options: { readonly message: Message; readonly dialect: DialectFile }) {
    const { message, dialect } = options
    this.message = message
    this.#outline = outlineOf(message.layout)
    this.#layout = createLayout(message.layout)
    this.#begins =
      message.beginsHex === undefined
        ? Buffer.from(message.begins ?? '', 'latin1')
        : fromHex(message.beginsHex)
    this.#charset = dialect.charset ?? 'ascii'
    this.#currency = dialect.currency
    this.#decimals = dialect.decimals ?? NUMBER_STYLES[0]
  }

  /** Whether a payload is this message; one that is may still be malformed. */
  recognises(payload: Uint8Array): boolean {
    const begins = this.#begins.every((byte, index) => payload[index] === byte)
    return begins && (this.message.layout.type !== 'pattern' || this.#split(payload).ok)
  }

  /** Every field of the message, or the first that does not fit. */
  read(payload: Uint8Array): Result<MessageFields, FieldIssue> {
    const wire = this.#split(payload)
    if (!wire.ok) return wire
    const context = this.#contextOf(wire.value)
    if (!context.ok) return context
    const fields = readFields({
      fields: this.#outline.fields,
      wire: name => textOf(wire.value, name),
      context: context.value,
      prefix: '',
    })
    if (!fields.ok) return fields
    const read: Record<string, FieldValue | readonly Row[]> = { ...fields.value }
    for (const group of this.#outline.groups) {
      const rows: Row[] = []
      for (const wireRow of wireRowsOf(wire.value, group.name)) {
        const row = readFields({
          fields: group.fields,
          wire: name => wireRow[name],
          context: context.value,
          prefix: `${group.name}.${rows.length + 1}.`,
        })
        if (!row.ok) return row
        rows.push(row.value)
      }
      read[group.name] = rows
    }
    return ok(read)
  }

  /** Whether a field that may not be kept has a value. */
  isSensitive(fields: MessageFields): boolean {
    const holds = (row: MessageFields | Row, among: readonly PlacedField[]): boolean =>
      among.some(({ type, name }) => type === 'sensitive' && (row[name] ?? '') !== '')
    const { fields: own, groups } = this.#outline
    return (
      holds(fields, own) ||
      groups.some(group => rowsOf(fields, group.name).some(row => holds(row, group.fields)))
    )
  }

  /**
   * The payload that holds these values and no others; counts of rows may be left out. It is read
   * back, so whatever a field cannot hold exactly is refused.
   */
  write(values: MessageFields): Result<Uint8Array, FieldIssue> {
    const counted = this.#withCounts(values)
    const currency = this.#currency?.startsWith('$')
      ? String(scalarOf(counted, this.#currency.slice(1)))
      : this.#currency
    const context = { charset: this.#charset, currency, decimals: this.#decimals }
    const wire = this.#writeFields(counted, context)
    if (!wire.ok) return wire
    const body = this.#layout.join(wire.value)
    if (!body.ok) return body
    const payload = concatBytes([this.#begins, body.value])
    const read = this.read(payload)
    if (!read.ok) return read
    const wrong = differingField(read.value, counted)
    return wrong === undefined ? ok(payload) : issue(wrong, 'a value that the field can hold')
  }

  #split(payload: Uint8Array): Result<WireFields, FieldIssue> {
    return this.#layout.split(payload.subarray(this.#begins.length))
  }

  #contextOf(wire: WireFields): Result<FieldContext, FieldIssue> {
    const common = { charset: this.#charset, decimals: this.#decimals }
    const name = this.#currency?.startsWith('$') ? this.#currency.slice(1) : undefined
    const field = this.#outline.fields.find(one => one.name === name)
    if (field === undefined)
      return ok({ ...common, currency: name === undefined ? this.#currency : undefined })
    const text = textOf(wire, field.name) ?? ''
    const currency = readField(field, { ...common, wire: text, currency: undefined })
    return currency.ok && /^[A-Z]{3}$/.test(String(currency.value))
      ? ok({ ...common, currency: String(currency.value) })
      : issue(field.name, 'a currency')
  }

  #withCounts(values: MessageFields): MessageFields {
    const counts = this.#outline.groups.flatMap(({ name, count }) =>
      count === undefined ? [] : [[count, rowsOf(values, name).length] as const],
    )
    return { ...Object.fromEntries(counts), ...values }
  }

  #writeFields(values: MessageFields, context: FieldContext): Result<WireFields, FieldIssue> {
    const fields = writeRow({
      fields: this.#outline.fields,
      value: name => scalarOf(values, name),
      context,
      prefix: '',
    })
    if (!fields.ok) return fields
    const wire: Record<string, string | readonly WireRow[]> = { ...fields.value }
    for (const group of this.#outline.groups) {
      const rows: WireRow[] = []
      for (const row of rowsOf(values, group.name)) {
        const prefix = `${group.name}.${rows.length + 1}.`
        const written = writeRow({
          fields: group.fields,
          value: name => row[name],
          context,
          prefix,
        })
        if (!written.ok) return written
        rows.push(written.value)
      }
      wire[group.name] = rows
    }
    return ok(wire)
  }
}

function readFields(options: {
  readonly fields: readonly PlacedField[]
  readonly wire: (name: string) => string | undefined
  readonly context: FieldContext
  readonly prefix: string
}): Result<Row, FieldIssue> {
  const { fields, context, prefix } = options
  const row: Record<string, FieldValue> = {}
  for (const field of fields) {
    const wire = options.wire(field.name)
    if (wire === undefined) {
      if (field.optional === true) continue
      return issue(prefix + field.name, 'a value')
    }
    const value = readField(field, { ...context, wire })
    if (!value.ok) return issue(prefix + field.name, value.error)
    row[field.name] = value.value
  }
  return ok(row)
}

function writeRow(options: {
  readonly fields: readonly PlacedField[]
  readonly value: (name: string) => FieldValue | undefined
  readonly context: FieldContext
  readonly prefix: string
}): Result<WireRow, FieldIssue> {
  const { fields, context, prefix } = options
  const row: Record<string, string> = {}
  for (const field of fields) {
    const value = options.value(field.name)
    if (value === undefined) {
      if (field.optional === true) continue
      return issue(prefix + field.name, 'a value')
    }
    const text = writeField(field, { ...context, value })
    if (!text.ok) return issue(prefix + field.name, text.error)
    row[field.name] = text.value
  }
  return ok(row)
}

/** The first field that was given and did not come back, or came back and was not given. */
function differingField(read: MessageFields, given: MessageFields): string | undefined {
  const names = new Set([...Object.keys(read), ...Object.keys(given)])
  return [...names].find(
    name => canonicalJson(read[name] ?? null) !== canonicalJson(given[name] ?? null),
  )
}
