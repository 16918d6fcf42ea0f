import { readElementString } from '../codec/gs1.js'
import type { FieldValue } from './field-type.js'
import { type MessageFields, type Row, rowsOf, scalarOf } from './message-fields.js'
import type { EventMapping, Member, Scalar } from './schema.js'

/** A mention of a field in an event's mapping; `scope` is the group whose rows it is read in. */
export interface Reference {
  readonly path: readonly (string | number)[]
  readonly name: string
  readonly scope: string | undefined
}

type Lookup = (name: string) => FieldValue | undefined

const WHOLE = /^(-?)\$([a-z][A-Za-z0-9]*)$/
const INSIDE = /\$\{([a-z][A-Za-z0-9]*)\}/g

/** The data of an event. Members whose field has no value are left out, as the schemas want it. */
export function mapData(
  data: EventMapping['data'],
  fields: MessageFields,
): Readonly<Record<string, unknown>> {
  const lookup: Lookup = name => scalarOf(fields, name)
  return withValues(
    Object.entries(data).map(
      ([key, member]) => [key, mapMember({ member, fields, lookup })] as const,
    ),
  )
}

function mapMember(options: {
  readonly member: Member
  readonly fields: MessageFields
  readonly lookup: Lookup
}): unknown {
  const { member, fields, lookup } = options
  if (typeof member !== 'object') return mapScalar(member, lookup)
  if (Array.isArray(member)) return member.map(row => mapRow(row, lookup))
  if ('each' in member)
    return rowsOf(fields, member.each).map((row, index) =>
      mapRow(member.row, inRow({ row, index, lookup })),
    )
  const text = lookup('elementsOf' in member ? member.elementsOf : member.gtinOf)
  // The field's own type has read these elements once: they are well formed.
  const elements = typeof text === 'string' ? readElementString(text) : undefined
  if (elements?.ok !== true) return undefined
  return 'elementsOf' in member ? elements.value : elements.value['01']
}

function inRow(options: {
  readonly row: Row
  readonly index: number
  readonly lookup: Lookup
}): Lookup {
  const { row, index, lookup } = options
  return name => (name === 'index' ? index + 1 : (row[name] ?? lookup(name)))
}

function mapRow(
  row: Readonly<Record<string, Scalar>>,
  lookup: Lookup,
): Readonly<Record<string, unknown>> {
  return withValues(
    Object.entries(row).map(([key, scalar]) => [key, mapScalar(scalar, lookup)] as const),
  )
}

function mapScalar(scalar: Scalar, lookup: Lookup): FieldValue | undefined {
  if (typeof scalar !== 'string') return scalar
  const [, sign, name] = WHOLE.exec(scalar) ?? []
  if (name !== undefined) {
    const value = lookup(name)
    // 0 - 0 is 0, where -0 would be another JSON number.
    return sign === '-' && typeof value === 'number' ? 0 - value : value
  }
  const missing = [...scalar.matchAll(INSIDE)].some(([, inner = '']) => lookup(inner) === undefined)
  return missing ? undefined : scalar.replace(INSIDE, (_, inner: string) => String(lookup(inner)))
}

function withValues(
  members: readonly (readonly [key: string, value: unknown])[],
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(members.filter(([, value]) => value !== undefined))
}

/**
 * Every field that a mapping mentions, so that the loader can refuse a name that stands for
 * nothing.
 */
export function* referencesOf(event: EventMapping): Iterable<Reference> {
  const named = [
    { path: ['subject'], name: event.subject },
    { path: ['businessDay'], name: event.businessDay },
    { path: ['time', 'date'], name: event.time?.date },
    { path: ['time', 'time'], name: event.time?.time },
    { path: ['key', 'day'], name: event.key?.day },
    { path: ['key', 'number'], name: event.key?.number },
  ]
  for (const { path, name } of named) if (name !== undefined) yield { path, name, scope: undefined }
  for (const [key, member] of Object.entries(event.data)) yield* inMember(['data', key], member)
}

function* inMember(path: Reference['path'], member: Member): Iterable<Reference> {
  if (typeof member !== 'object') yield* inScalar({ path, scalar: member, scope: undefined })
  else if (Array.isArray(member)) {
    for (const [index, row] of member.entries())
      for (const [key, scalar] of Object.entries(row))
        yield* inScalar({ path: [...path, index, key], scalar, scope: undefined })
  } else if ('each' in member) {
    yield { path: [...path, 'each'], name: member.each, scope: undefined }
    for (const [key, scalar] of Object.entries(member.row))
      yield* inScalar({ path: [...path, 'row', key], scalar, scope: member.each })
  } else if ('elementsOf' in member)
    yield { path: [...path, 'elementsOf'], name: member.elementsOf, scope: undefined }
  else yield { path: [...path, 'gtinOf'], name: member.gtinOf, scope: undefined }
}

function* inScalar(options: {
  readonly path: Reference['path']
  readonly scalar: Scalar
  readonly scope: string | undefined
}): Iterable<Reference> {
  const { path, scalar, scope } = options
  if (typeof scalar !== 'string') return
  const whole = WHOLE.exec(scalar)?.[2]
  const inside = [...scalar.matchAll(INSIDE)].map(([, name = '']) => name)
  for (const name of whole === undefined ? inside : [whole]) yield { path, name, scope }
}
