import type { FieldValue, ValueField } from './field-type.js'
import type { Layout } from './layout-schema.js'

export type Row = Readonly<Record<string, FieldValue>>

/**
 * A message's fields by name; groups are lists of rows. What `decode` reads and `encode` writes.
 */
export type MessageFields = Readonly<Record<string, FieldValue | readonly Row[]>>

export interface Group {
  readonly name: string
  /** The field that announces how many rows there are. */
  readonly count: string | undefined
  readonly max: number
  readonly fields: readonly PlacedField[]
}

export type PlacedField = ValueField & { readonly optional?: true }

/** The named parts of a layout, wherever it puts them. */
export interface Outline {
  readonly fields: readonly PlacedField[]
  readonly groups: readonly Group[]
}

export function outlineOf(layout: Layout): Outline {
  const fields: PlacedField[] = []
  const groups: Group[] = []
  for (const field of layout.fields) {
    if (field.type === 'constant') continue
    if (field.type === 'rows')
      groups.push({
        name: field.name,
        count: field.count,
        max: field.max,
        fields: field.fields,
      })
    else fields.push(field)
  }
  return { fields, groups }
}

export function scalarOf(fields: MessageFields, name: string): FieldValue | undefined {
  const value = fields[name]
  return typeof value === 'object' ? undefined : value
}

export function rowsOf(fields: MessageFields, name: string): readonly Row[] {
  const value = fields[name]
  return typeof value === 'object' ? value : []
}
