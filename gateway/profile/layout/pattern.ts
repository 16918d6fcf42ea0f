import { fail, ok, type Result } from '../../core/result.js'
import { issue, type Split, textOf, type WireFields } from './fields.js'

const PLACE = /\{([A-Za-z][A-Za-z0-9]*)(?::>(\d{1,3}))?\}/g

export function splitPattern(pattern: RegExp, text: string): Split {
  const match = pattern.exec(text)
  if (match === null) return issue('message', 'the pattern of this message')
  const found = Object.entries(match.groups ?? {}).filter(([, group]) => group !== undefined)
  return ok(Object.fromEntries(found))
}

/** The names a template has places for. */
export function templateNames(template: string): readonly string[] {
  return [...template.matchAll(PLACE)].map(([, name = '']) => name)
}

export function joinPattern(
  how: { readonly template: string; readonly pattern: RegExp },
  fields: WireFields,
): Result<string, string> {
  const text = how.template.replace(PLACE, (_, name: string, width: string | undefined) =>
    (textOf(fields, name) ?? '').padStart(Number(width ?? 0), ' '),
  )
  return how.pattern.test(text) ? ok(text) : fail('values that fit the pattern')
}
