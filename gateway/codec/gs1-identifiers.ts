import { GS1_DICTIONARY } from './gs1-dictionary.js'
import { isLinterName, type LinterName } from './gs1-linters.js'

/** One part of an element's value; only the last part may vary in length. */
export interface Gs1Part {
  /** N digits, X the 82 characters of GS1, Y the 39, Z base64url. */
  readonly characters: 'N' | 'X' | 'Y' | 'Z'
  readonly min: number
  readonly max: number
  /** May be absent altogether. */
  readonly optional: boolean
  readonly linters: readonly LinterName[]
}

export interface Gs1Identifier {
  readonly parts: readonly Gs1Part[]
  /** Its value has one length, and needs no separator behind it. */
  readonly predefined: boolean
  /** It may begin a GS1 Digital Link. */
  readonly isLinkKey: boolean
}

function parsePart(spec: string): Gs1Part {
  const match = /^(\[?)([NXYZ])(\.\.)?(\d+)\]?((?:,[a-z0-9]+)*)$/.exec(spec)
  if (match === null) throw new RangeError(`not a part: ${spec}`)
  const [, optional, characters, variable, length, names = ''] = match
  const max = Number(length)
  return {
    // The pattern above admits these and nothing else.
    characters: characters as Gs1Part['characters'],
    min: variable === undefined ? max : 1,
    max,
    optional: optional === '[',
    linters: names.split(',').slice(1).map(linterNamed),
  }
}

/** A check that nobody has written must not be left out in silence. */
function linterNamed(name: string): LinterName {
  if (isLinterName(name)) return name
  throw new RangeError(`not a check: ${name}`)
}

function parseIdentifier(spec: string): Gs1Identifier {
  const words = spec.split(' ')
  return {
    parts: words.filter(word => /^\[?[NXYZ]/.test(word)).map(parsePart),
    predefined: words.includes('*'),
    isLinkKey: words.some(word => word.startsWith('@')),
  }
}

function* identifiersOf(range: string): Iterable<string> {
  const [first = '', last = first] = range.split('-')
  for (let number = Number(first); number <= Number(last); number += 1)
    yield String(number).padStart(first.length, '0')
}

/** Every application identifier of GS1's Barcode Syntax Dictionary. */
export const GS1_IDENTIFIERS: ReadonlyMap<string, Gs1Identifier> = new Map(
  GS1_DICTIONARY.trim()
    .split('\n')
    .flatMap(line => {
      const [identifiers = '', spec = ''] = line.split(': ')
      const parsed = parseIdentifier(spec)
      return identifiers
        .split(' ')
        .flatMap(range =>
          [...identifiersOf(range)].map(identifier => [identifier, parsed] as const),
        )
    }),
)
