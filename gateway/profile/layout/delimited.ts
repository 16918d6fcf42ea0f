import { fail, ok, type Result } from '../../core/result.js'
import type { DelimitedLayout } from '../layout-schema.js'
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

type Rows = Extract<DelimitedLayout['fields'][number], { type: 'rows' }>
type Cell = Rows['fields'][number]

export function splitDelimited(layout: DelimitedLayout, text: string): Split {
  const columns = text.split(layout.separator)
  const fields: Record<string, string | readonly WireRow[]> = {}
  let next = 0
  for (const field of layout.fields) {
    if (field.type === 'rows') {
      const count = announcedRows(fields, field)
      if (!count.ok) return count
      const rows = splitRows(field, columns.slice(next, next + count.value))
      if (!rows.ok) return rows
      if (rows.value.length < count.value) return issue(field.name, `${count.value} rows`)
      fields[field.name] = rows.value
      next += count.value
      continue
    }
    const column = columns[next]
    next += 1
    if (field.type === 'constant') {
      if (column !== field.text) return issue(`column ${next}`, 'its constant text')
    } else if (column === undefined) return issue(field.name, 'a column')
    else if (column !== '' || field.optional !== true) fields[field.name] = column
  }
  return next === columns.length ? ok(fields) : issue('columns', `${next} columns`)
}

function splitRows(
  group: Rows,
  columns: readonly string[],
): Result<readonly WireRow[], FieldIssue> {
  const rows: WireRow[] = []
  for (const [index, column] of columns.entries()) {
    const cells = column.split(group.separator)
    if (cells.length !== group.fields.length)
      return issue(`${group.name}.${index + 1}`, `${group.fields.length} columns`)
    const present = group.fields.flatMap((field, at) => {
      const cell = cells[at] ?? ''
      return cell === '' && field.optional === true ? [] : [[field.name, cell] as const]
    })
    rows.push(Object.fromEntries(present))
  }
  return ok(rows)
}

export function joinDelimited(layout: DelimitedLayout, fields: WireFields): Result<string, string> {
  const columns = layout.fields.flatMap(field => {
    if (field.type === 'constant') return [field.text]
    if (field.type !== 'rows') return [textOf(fields, field.name) ?? '']
    return rowsOf(fields, field.name).map(row => joinRow(field.fields, field.separator, row))
  })
  const cut = columns.find(column => column.includes(layout.separator))
  return cut === undefined
    ? ok(columns.join(layout.separator))
    : fail(`no ${layout.separator} inside a field`)
}

function joinRow(cells: readonly Cell[], separator: string, row: WireRow): string {
  return cells.map(cell => row[cell.name] ?? '').join(separator)
}
