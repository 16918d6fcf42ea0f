import { EVENT_CATALOG, isEventType } from '../event/catalog.js'
import { mapData, referencesOf } from './event-mapping.js'
import type { EventMapping } from './schema.js'

export type Path = readonly (string | number)[]
export type Refuse = (path: Path, text: string) => void

interface NamedField {
  readonly name: string
  readonly type: string
  readonly optional?: true
}

/** The fields and groups of a message, whoever describes them. */
interface NamedParts {
  readonly fields: readonly NamedField[]
  readonly groups: readonly { readonly name: string; readonly fields: readonly NamedField[] }[]
}

/**
 * Every name in an event's mapping stands for a field, and one of the right type; its members are
 * those that an event of this type must and may have.
 */
export function checkEvent(options: {
  readonly event: EventMapping
  readonly outline: NamedParts
  readonly refuse: Refuse
}): void {
  const { event, outline, refuse } = options
  const known = (scope: string | undefined): readonly string[] => {
    const group = outline.groups.find(one => one.name === scope)
    const inner = group === undefined ? [] : ['index', ...group.fields.map(field => field.name)]
    return [...inner, ...outline.fields.map(field => field.name)]
  }
  for (const { path, name, scope } of referencesOf(event)) {
    const names = known(scope)
    const isGroup = path.at(-1) === 'each'
    const found = isGroup ? outline.groups.some(one => one.name === name) : names.includes(name)
    if (!found) {
      const choices = isGroup ? outline.groups.map(one => one.name) : names
      refuse(
        ['event', ...path],
        `expected a field of the message; write one of ${choices.join(', ')}`,
      )
    }
  }
  checkMembers({ event, outline, refuse })
  const wanted = [
    { path: ['businessDay'], name: event.businessDay, types: ['date'] },
    { path: ['time', 'date'], name: event.time?.date, types: ['date'] },
    { path: ['time', 'time'], name: event.time?.time, types: ['time'] },
    { path: ['key', 'day'], name: event.key?.day, types: ['date', 'digits'] },
    { path: ['key', 'number'], name: event.key?.number, types: ['digits', 'text', 'integer'] },
  ] as const
  for (const { path, name, types } of wanted) {
    const field = outline.fields.find(one => one.name === name)
    const fits = field === undefined || types.some(type => type === field.type)
    const isOptional = path[0] === 'key' && field?.optional === true
    if (!fits || isOptional)
      refuse(
        ['event', ...path],
        `expected a field of type ${types.join(' or ')} that is always there; write its name`,
      )
  }
}

/** Faults of the data that no message can put right, for they are not taken from it. */
function checkMembers(options: {
  readonly event: EventMapping
  readonly outline: NamedParts
  readonly refuse: Refuse
}): void {
  const { event, outline, refuse } = options
  const { type, data } = event
  if (!isEventType(type)) return
  const blank = (fields: readonly NamedField[]) =>
    Object.fromEntries(fields.map(({ name }) => [name, '']))
  const groups = outline.groups.map(({ name, fields }) => [name, [blank(fields)]] as const)
  const sample = mapData(data, { ...blank(outline.fields), ...Object.fromEntries(groups) })
  const parsed = EVENT_CATALOG[type].data.safeParse(sample)
  const taken = [...referencesOf(event)].map(({ path }) => path.join('.'))
  const schema = `as docs/schema/${type}.schema.json says`
  for (const issue of parsed.error?.issues ?? []) {
    const path = ['data', ...placeInMapping(data, issue.path)]
    const place = path.join('.')
    if (issue.code === 'unrecognized_keys')
      for (const key of issue.keys)
        refuse(['event', ...path, key], `expected a member of ${type}; write its name ${schema}`)
    else if (!taken.some(one => one === place || one.startsWith(`${place}.`)))
      refuse(['event', ...path], `expected what ${type} must have here; write it ${schema}`)
  }
}

/** Where the mapping describes a member of the data: all rows of a group at `row`. */
function placeInMapping(data: EventMapping['data'], path: readonly PropertyKey[]): Path {
  const [key = '', at, ...inner] = path.map(part =>
    typeof part === 'number' ? part : String(part),
  )
  const member = data[key]
  const isEach = typeof member === 'object' && 'each' in member
  if (at === undefined) return key === '' ? [] : [key]
  return [key, isEach ? 'row' : at, ...inner]
}

export function refuseRepeats(
  names: readonly string[],
  refuse: (index: number, name: string) => void,
): void {
  for (const [index, name] of names.entries()) if (names.indexOf(name) < index) refuse(index, name)
}
