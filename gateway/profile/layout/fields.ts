import { fail, ok, type Result } from '../../core/result.js'

/** A field's bytes as Latin-1 text, or the rows of a group; a field without a value is absent. */
export interface WireFields {
  readonly [name: string]: string | readonly WireRow[]
}
export type WireRow = Readonly<Record<string, string>>

/** One field that does not fit: its dotted name, and what was expected there. */
export interface FieldIssue {
  readonly field: string
  readonly expected: string
}

export type Split = Result<WireFields, FieldIssue>

export function issue(field: string, expected: string): ReturnType<typeof fail<FieldIssue>> {
  return fail({ field, expected })
}

/** How many rows the field `count` announces; it is not yet checked to be a number. */
export function announcedRows(
  fields: WireFields,
  group: { readonly count: string; readonly max: number },
): Result<number, FieldIssue> {
  const count = Number(fields[group.count])
  return Number.isInteger(count) && count >= 0 && count <= group.max
    ? ok(count)
    : issue(group.count, `a count of at most ${group.max}`)
}

export function textOf(fields: WireFields, name: string): string | undefined {
  const value = fields[name]
  return typeof value === 'string' ? value : undefined
}

export function rowsOf(fields: WireFields, name: string): readonly WireRow[] {
  const value = fields[name]
  return value === undefined || typeof value === 'string' ? [] : value
}
