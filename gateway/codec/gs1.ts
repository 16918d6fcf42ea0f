import { fail, ok, type Result } from '../core/result.js'
import { GS1_IDENTIFIERS, type Gs1Identifier, type Gs1Part } from './gs1-identifiers.js'
import { LINTERS } from './gs1-linters.js'

/** Application identifier → value, as on the label. */
export type Gs1Elements = Readonly<Record<string, string>>

export interface Gs1Element {
  readonly identifier: string
  readonly value: string
  readonly predefined: boolean
  /** A separator follows, needed or not. */
  readonly separated: boolean
}

/** Why an element string is none, where reading it ended. */
export type Gs1Fault =
  | { readonly type: 'empty' }
  /** No identifier is how this begins. */
  | { readonly type: 'no-identifier' }
  /** `incomplete`: an optional part is there and not whole. */
  | {
      readonly type: 'short' | 'incomplete' | 'long'
      readonly identifier: string
      readonly part: Gs1Part
      readonly separated: boolean
    }
  | {
      readonly type: 'characters' | 'linter'
      readonly identifier: string
      readonly part: Gs1Part
      /** What the dictionary calls it. */
      readonly reason: string
      /** One of several parts of the value. */
      readonly isOneOfSeveral: boolean
    }

/** The elements that were read, and the fault behind them, if there is one. */
export interface Gs1Reading {
  readonly elements: readonly Gs1Element[]
  readonly fault?: Gs1Fault
}

/** FNC1 inside a message, as scanners send it (GS1 General Specifications §7.8.3). */
export const GS1_SEPARATOR = '\x1d'

const CHARACTERS = {
  N: { fits: /^\d*$/, fault: 'non digit character' },
  X: { fits: /^[!"%&'()*+,\-./0-9:;<=>?A-Z_a-z]*$/, fault: 'invalid cset82 character' },
  Y: { fits: /^[#\-/0-9A-Z]*$/, fault: 'invalid cset39 character' },
  // Padded to a multiple of three, where it is padded.
  Z: { fits: /^(?:[\w-]*|(?:[\w-]{3})*(?:[\w-]{2}=|[\w-]==))$/, fault: 'invalid cset64 character' },
} as const

/** Reads element for element, up to the first fault. */
export function parseElementString(text: string): Gs1Reading {
  if (text === '') return { elements: [], fault: { type: 'empty' } }
  const elements: Gs1Element[] = []
  let rest = text
  while (rest !== '') {
    const identifier = [2, 3, 4]
      .map(length => rest.slice(0, length))
      .find(prefix => GS1_IDENTIFIERS.has(prefix))
    const meaning = identifier === undefined ? undefined : GS1_IDENTIFIERS.get(identifier)
    if (identifier === undefined || meaning === undefined)
      return { elements, fault: { type: 'no-identifier' } }
    const behind = rest.slice(identifier.length)
    const until = behind.indexOf(GS1_SEPARATOR)
    const value = behind.slice(0, Math.min(until < 0 ? behind.length : until, lengthOf(meaning)))
    const separated = behind.startsWith(GS1_SEPARATOR, value.length)
    const fault = faultOf({ identifier, meaning, value, separated })
    if (fault !== undefined) return { elements, fault }
    elements.push({ identifier, value, predefined: meaning.predefined, separated })
    rest = behind.slice(value.length + (separated ? 1 : 0))
  }
  return { elements }
}

/** Where a value without a separator ends by itself. */
function lengthOf({ parts, predefined }: Gs1Identifier): number {
  return predefined ? parts.reduce((total, { max }) => total + max, 0) : Number.POSITIVE_INFINITY
}

function faultOf(element: {
  readonly identifier: string
  readonly meaning: Gs1Identifier
  readonly value: string
  readonly separated: boolean
}): Gs1Fault | undefined {
  const { identifier, meaning, value, separated } = element
  let rest = value
  for (const part of meaning.parts) {
    const piece = rest.slice(0, part.max)
    rest = rest.slice(part.max)
    if (piece === '' && part.optional) continue
    if (piece.length < part.min)
      return { type: part.optional ? 'incomplete' : 'short', identifier, part, separated }
    const isOneOfSeveral = meaning.parts.length > 1
    const { fits, fault } = CHARACTERS[part.characters]
    if (!fits.test(piece))
      return { type: 'characters', identifier, part, reason: fault, isOneOfSeveral }
    const reason = part.linters.map(name => LINTERS[name](piece)).find(one => one !== undefined)
    if (reason !== undefined) return { type: 'linter', identifier, part, reason, isOneOfSeveral }
  }
  const last = meaning.parts.at(-1)
  if (rest === '' || last === undefined) return undefined
  return { type: 'long', identifier, part: last, separated }
}

/**
 * The elements of a GS1 element string. Fails, naming the identifier, on one that does not exist, a
 * value that breaks its length, characters or checks, and on one identifier with two values.
 */
export function readElementString(text: string): Result<Gs1Elements, string> {
  const { elements, fault } = parseElementString(text)
  if (fault !== undefined) return fail(describeFault(fault))
  const record: Record<string, string> = {}
  for (const { identifier, value } of elements) {
    if ((record[identifier] ?? value) !== value) return fail(`(${identifier}): one value`)
    record[identifier] = value
  }
  return ok(record)
}

/** What was expected instead. */
function describeFault(fault: Gs1Fault): string {
  switch (fault.type) {
    case 'empty':
      return 'at least one element'
    case 'no-identifier':
      return 'an application identifier that exists'
    case 'short':
    case 'incomplete': {
      const { min, max } = fault.part
      const count = min === max ? `${max}` : `${min} to ${max}`
      return `(${fault.identifier}): ${count} characters`
    }
    case 'long':
      return `(${fault.identifier}): no more characters`
    case 'characters':
      return `(${fault.identifier}): characters that GS1 allows here`
    case 'linter':
      return `(${fault.identifier}): ${EXPECTED[fault.reason] ?? `none with ${fault.reason}`}`
  }
}

const EXPECTED: Readonly<Record<string, string>> = {
  'incorrect check digit': 'a valid check digit',
  'illegal month': 'a date YYMMDD',
  'illegal day': 'a date YYMMDD',
}
