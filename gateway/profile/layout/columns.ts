import { ByteReader, concatBytes } from '../../core/bytes.js'
import { ok, type Result } from '../../core/result.js'
import type { ColumnsLayout } from '../layout-schema.js'
import { readCoded, writeCoded } from './coding.js'
import {
  announcedRows,
  type FieldIssue,
  issue,
  rowsOf,
  type Split,
  textOf,
  type WireFields,
  type WireRow,
} from './fields.js'

type Column = Exclude<ColumnsLayout['fields'][number], { type: 'rows' | 'constant' }>

export function splitColumns(layout: ColumnsLayout, bytes: Uint8Array): Split {
  const reader = new ByteReader(bytes)
  const fields: Record<string, string | readonly WireRow[]> = {}
  for (const field of layout.fields) {
    if (field.type === 'constant') {
      const { text } = field
      if (reader.remaining < text.length) return issue('constant', 'more bytes')
      if (Buffer.from(reader.take(text.length)).toString('latin1') !== text)
        return issue('constant', 'its text')
    } else if (field.type === 'rows') {
      const count = announcedRows(fields, field)
      if (!count.ok) return count
      const rows: WireRow[] = []
      while (rows.length < count.value) {
        const row = splitRow(field.fields, reader, `${field.name}.${rows.length + 1}.`)
        if (!row.ok) return row
        rows.push(row.value)
      }
      fields[field.name] = rows
    } else {
      const row = splitRow([field], reader, '')
      if (!row.ok) return row
      Object.assign(fields, row.value)
    }
  }
  return reader.remaining === 0
    ? ok(fields)
    : issue('length', 'no more bytes after the last column')
}

function splitRow(
  columns: readonly Column[],
  reader: ByteReader,
  prefix: string,
): Result<WireRow, FieldIssue> {
  const row: Record<string, string> = {}
  for (const column of columns) {
    const { bytes, name } = column
    if (reader.remaining < bytes) return issue(prefix + name, `${bytes} bytes`)
    const text = readCoded(column, reader.take(bytes))
    if (!text.ok) return issue(prefix + name, text.error)
    row[name] = text.value
  }
  return ok(row)
}

export function joinColumns(
  layout: ColumnsLayout,
  fields: WireFields,
): Result<Uint8Array, FieldIssue> {
  const parts: Uint8Array[] = []
  const write = (column: Column, text: string): FieldIssue | undefined => {
    const bytes = writeCoded(column, text)
    if (bytes.ok) parts.push(bytes.value)
    return bytes.ok ? undefined : { field: column.name, expected: bytes.error }
  }
  for (const field of layout.fields) {
    if (field.type === 'constant') {
      parts.push(Buffer.from(field.text, 'latin1'))
      continue
    }
    const cells =
      field.type === 'rows'
        ? rowsOf(fields, field.name).flatMap(row =>
            field.fields.map(column => [column, row[column.name] ?? ''] as const),
          )
        : [[field, textOf(fields, field.name) ?? ''] as const]
    for (const [column, text] of cells) {
      const wrong = write(column, text)
      if (wrong !== undefined) return issue(wrong.field, wrong.expected)
    }
  }
  return ok(concatBytes(parts))
}
