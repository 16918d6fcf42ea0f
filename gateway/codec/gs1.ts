import { fail, ok, type Result } from '../core/result.js'
import { hasValidCheckDigit } from './check-digit.js'
import { isCalendarDay } from './date.js'
import { GS1_IDENTIFIERS, GS1_PREDEFINED_LENGTHS, type Gs1Part } from './gs1-identifiers.js'

/** Application identifier → value, as on the label. */
export type Gs1Elements = Readonly<Record<string, string>>

/** FNC1 inside a message, as scanners send it (GS1 General Specifications §7.8.3). */
const SEPARATOR = '\x1d'

const CHARACTERS = {
  N: /^\d*$/,
  X: /^[!"%&'()*+,\-./0-9:;<=>?A-Z_a-z]*$/,
  Y: /^[#\-/0-9A-Z]*$/,
  Z: /^[A-Za-z0-9\-_=]*$/,
} as const

/**
 * The elements of a GS1 element string. Fails, naming the identifier, on one that does not exist, a
 * value that breaks its length, characters, check digit or date, and on one identifier with two
 * values.
 */
export function readElementString(text: string): Result<Gs1Elements, string> {
  const elements: Record<string, string> = {}
  let rest = text
  while (rest !== '') {
    const identifier = [2, 3, 4]
      .map(length => rest.slice(0, length))
      .find(prefix => GS1_IDENTIFIERS.has(prefix))
    if (identifier === undefined) return fail('an application identifier that exists')
    const length = GS1_PREDEFINED_LENGTHS.get(rest.slice(0, 2))
    const separator = rest.indexOf(SEPARATOR)
    const end = length ?? (separator < 0 ? rest.length : separator)
    const value = rest.slice(identifier.length, end)
    const issue = issueWith(identifier, value)
    if (issue !== undefined) return fail(`(${identifier}): ${issue}`)
    if ((elements[identifier] ?? value) !== value) return fail(`(${identifier}): one value`)
    elements[identifier] = value
    rest = rest.slice(end)
    if (rest.startsWith(SEPARATOR)) rest = rest.slice(1)
  }
  return Object.keys(elements).length === 0 ? fail('at least one element') : ok(elements)
}

function issueWith(identifier: string, value: string): string | undefined {
  const parts = GS1_IDENTIFIERS.get(identifier) ?? []
  let rest = value
  for (const part of parts) {
    const piece = rest.slice(0, part.max)
    rest = rest.slice(part.max)
    const issue = issueWithPart(part, piece)
    if (issue !== undefined) return issue
  }
  return rest === '' ? undefined : 'no more characters'
}

function issueWithPart(part: Gs1Part, piece: string): string | undefined {
  const { min, max, characters, rule } = part
  if (piece === '' && part.optional) return undefined
  if (piece.length < min) return min === max ? `${max} characters` : `${min} to ${max} characters`
  if (!CHARACTERS[characters].test(piece)) return 'characters that GS1 allows here'
  if (rule === 'check' && !hasValidCheckDigit(piece)) return 'a valid check digit'
  if ((rule === 'date' || rule === 'day') && !isGs1Date(piece, rule)) return 'a date YYMMDD'
  return undefined
}

/** YYMMDD. Day 00 means the last of the month, where the identifier allows it. */
function isGs1Date(text: string, rule: 'date' | 'day'): boolean {
  if (!/^\d{6}$/.test(text)) return false
  const day = Number(text.slice(4))
  return isCalendarDay({
    // A century does not matter to the calendar of a two-digit year: 1900 is out of GS1's window.
    year: 2000 + Number(text.slice(0, 2)),
    month: Number(text.slice(2, 4)),
    day: day === 0 && rule === 'date' ? 1 : day,
  })
}
