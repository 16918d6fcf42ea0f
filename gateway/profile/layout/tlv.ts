import { readTlv, type TlvElement, writeTlv } from '../../codec/tlv.js'
import { ok, type Result } from '../../core/result.js'
import type { TlvLayout } from '../layout-schema.js'
import { readCoded, writeCoded } from './coding.js'
import {
  type FieldIssue,
  issue,
  rowsOf,
  type Split,
  textOf,
  type WireFields,
  type WireRow,
} from './fields.js'

type Rows = Extract<TlvLayout['fields'][number], { type: 'rows' }>
type Tagged = Exclude<TlvLayout['fields'][number], { type: 'rows' }>

export function splitTlv(layout: TlvLayout, bytes: Uint8Array): Split {
  const elements = readTlv(bytes, layout.lengths)
  if (!elements.ok) return issue('elements', elements.error)
  const groups = layout.fields.filter(field => field.type === 'rows')
  const grouped = new Set(groups.map(group => Number.parseInt(group.tag, 16)))
  const fields: Record<string, string | readonly WireRow[]> = {}
  const single = splitElements({
    elements: elements.value.filter(element => !grouped.has(element.tag)),
    fields: layout.fields.filter(field => field.type !== 'rows'),
    prefix: '',
  })
  if (!single.ok) return single
  Object.assign(fields, single.value)
  for (const group of groups) {
    const rows = splitRows({ group, elements: elements.value, lengths: layout.lengths })
    if (!rows.ok) return rows
    if (group.count !== undefined && Number(fields[group.count]) !== rows.value.length)
      return issue(group.count, `the count of ${group.name}`)
    fields[group.name] = rows.value
  }
  return ok(fields)
}

function splitRows(options: {
  readonly group: Rows
  readonly elements: readonly TlvElement[]
  readonly lengths: TlvLayout['lengths']
}): Result<readonly WireRow[], FieldIssue> {
  const { group, lengths } = options
  const tag = Number.parseInt(group.tag, 16)
  const rows: WireRow[] = []
  for (const element of options.elements.filter(one => one.tag === tag)) {
    const prefix = `${group.name}.${rows.length + 1}.`
    const elements = readTlv(element.value, lengths)
    if (!elements.ok) return issue(prefix, elements.error)
    const row = splitElements({ elements: elements.value, fields: group.fields, prefix })
    if (!row.ok) return row
    rows.push(row.value)
  }
  return rows.length <= group.max ? ok(rows) : issue(group.name, `at most ${group.max} rows`)
}

/** Each element belongs to one field and stands once. */
function splitElements(options: {
  readonly elements: readonly TlvElement[]
  readonly fields: readonly Tagged[]
  readonly prefix: string
}): Result<WireRow, FieldIssue> {
  const { elements, fields, prefix } = options
  const row: Record<string, string> = {}
  for (const { tag, value } of elements) {
    const field = fields.find(one => Number.parseInt(one.tag, 16) === tag)
    if (field === undefined)
      return issue(`${prefix}tag ${tag.toString(16)}`, 'a tag of the dialect')
    const name = prefix + field.name
    if (row[field.name] !== undefined) return issue(name, 'one such element')
    if (field.bytes !== undefined && value.length !== field.bytes)
      return issue(name, `${field.bytes} bytes`)
    const text = readCoded(field, value)
    if (!text.ok) return issue(name, text.error)
    row[field.name] = text.value
  }
  const missing = fields.find(field => field.optional !== true && row[field.name] === undefined)
  return missing === undefined ? ok(row) : issue(prefix + missing.name, 'its element')
}

export function joinTlv(layout: TlvLayout, fields: WireFields): Result<Uint8Array, FieldIssue> {
  const elements: TlvElement[] = []
  for (const field of layout.fields) {
    if (field.type !== 'rows') {
      const element = joinElement(field, textOf(fields, field.name))
      if (!element.ok) return element
      elements.push(...element.value)
      continue
    }
    for (const row of rowsOf(fields, field.name)) {
      const inner: TlvElement[] = []
      for (const cell of field.fields) {
        const element = joinElement(cell, row[cell.name])
        if (!element.ok) return element
        inner.push(...element.value)
      }
      const value = writeTlv(inner, layout.lengths)
      if (!value.ok) return issue(field.name, value.error)
      elements.push({ tag: Number.parseInt(field.tag, 16), value: value.value })
    }
  }
  const written = writeTlv(elements, layout.lengths)
  return written.ok ? written : issue('elements', written.error)
}

function joinElement(
  field: Tagged,
  text: string | undefined,
): Result<readonly TlvElement[], FieldIssue> {
  if (text === undefined) return ok([])
  const value = writeCoded(field, text)
  if (!value.ok) return issue(field.name, value.error)
  return ok([{ tag: Number.parseInt(field.tag, 16), value: value.value }])
}
