import { referencesOf } from './event-mapping.js'
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

/** Every name in an event's mapping stands for a field, and one of the right type. */
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

export function refuseRepeats(
  names: readonly string[],
  refuse: (index: number, name: string) => void,
): void {
  for (const [index, name] of names.entries()) if (names.indexOf(name) < index) refuse(index, name)
}
