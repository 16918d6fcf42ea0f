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
  for (const [index, field] of layout.fields.entries()) {
    if (field.type === 'rows') {
      const behind = layout.fields.length - index - 1
      const given = rowColumns(field, { fields, columns: columns.slice(next), behind })
      if (!given.ok) return given
      const rows = splitRows(field, given.value.rows)
      if (!rows.ok) return rows
      fields[field.name] = rows.value
      next += given.value.size
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

/** The texts of a group's rows, and how many of the columns that are left they take. */
function rowColumns(
  group: Rows,
  options: {
    readonly fields: WireFields
    readonly columns: readonly string[]
    /** Of the columns that are left, those that the fields behind the group take. */
    readonly behind: number
  },
): Result<{ readonly rows: readonly string[]; readonly size: number }, FieldIssue> {
  const { name, max, count, between } = group
  const { fields, columns, behind } = options
  const announced = count === undefined ? undefined : announcedRows(fields, { count, max })
  if (announced?.ok === false) return announced
  if (between !== undefined) {
    const [column] = columns
    if (column === undefined) return issue(name, 'a column')
    const rows = column === '' ? [] : column.split(between)
    if (announced !== undefined && rows.length !== announced.value)
      return issue(name, `${announced.value} rows`)
    return rows.length <= max ? ok({ rows, size: 1 }) : issue(name, `at most ${max} rows`)
  }
  const size = announced?.value ?? columns.length - behind
  if (size < 0 || size > columns.length)
    return issue(name, announced === undefined ? `${behind} columns behind it` : `${size} rows`)
  return size <= max
    ? ok({ rows: columns.slice(0, size), size })
    : issue(name, `at most ${max} rows`)
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
    const rows = rowsOf(fields, field.name).map(row => joinRow(field.fields, field.separator, row))
    return field.between === undefined ? rows : [rows.join(field.between)]
  })
  const cut = columns.find(column => column.includes(layout.separator))
  return cut === undefined
    ? ok(columns.join(layout.separator))
    : fail(`no ${layout.separator} inside a field`)
}

function joinRow(cells: readonly Cell[], separator: string, row: WireRow): string {
  return cells.map(cell => row[cell.name] ?? '').join(separator)
}
