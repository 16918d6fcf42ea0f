import {
  GS1_SEPARATOR,
  type Gs1Element,
  type Gs1Fault,
  type Gs1Reading,
  parseElementString,
} from '../../codec/gs1.js'
import { GS1_IDENTIFIERS, type Gs1Identifier, type Gs1Part } from '../../codec/gs1-identifiers.js'
import { type Observed, Spellings } from './adapter.js'

/** FNC1 as `^`, in front and where a separator was sent. */
export function marked(elements: string): string {
  return `^${elements.replaceAll(GS1_SEPARATOR, '^')}`
}

/** An element string in the words of GS1's engine, which remarks on sound ones, too. */
export function describeElements(text: string): Observed {
  const reading = parseElementString(text)
  const { elements, fault } = reading
  const ais = elements.map(({ identifier, value }) => [identifier, value])
  const reasons = fault === undefined ? remarksOn(elements) : reasonsOf(reading, fault, text)
  return { element_string: marked(text), ais, reason: new Spellings(...reasons) }
}

/** What may be said of sound elements: of their separators, or of how the first is made. */
function remarksOn(elements: readonly Gs1Element[]): readonly (string | null)[] {
  const [first, second] = elements
  const meaning = first && GS1_IDENTIFIERS.get(first.identifier)
  if (first === undefined || meaning === undefined) return [null]
  return [
    ...(elements.some(({ predefined, separated }) => predefined && separated)
      ? ['Tolerate superfluous FNC1']
      : []),
    ...(elements.at(-1)?.separated === true ? ['Tolerant of FNC1 at end of data'] : []),
    ...(second === undefined ? [] : remarksOnOrder(elements, first, second)),
    ...remarksOnLength(first, meaning, second !== undefined),
    ...formatsOf(meaning),
    null,
  ]
}

function remarksOnOrder(
  elements: readonly Gs1Element[],
  first: Gs1Element,
  second: Gs1Element,
): readonly string[] {
  const { identifier, predefined } = first
  const separated = elements.slice(0, -1).filter(one => !one.predefined)
  return [
    ...(predefined
      ? [
          `Fixed-length, run into next AI (${identifier})...(${second.identifier})...`,
          `(${identifier}) NO_FNC1 -> no ^ before ${second.identifier}`,
        ]
      : []),
    ...separated.map(one => `(${one.identifier}) DO_FNC1 -> ^ before next AI`),
    'Followed by another AI',
  ]
}

/** At the least or most length, or without the part that may be absent. */
function remarksOnLength(
  { value }: Gs1Element,
  { parts }: Gs1Identifier,
  isFollowed: boolean,
): readonly string[] {
  const least = parts.reduce((sum, { min, optional }) => sum + (optional ? 0 : min), 0)
  const most = parts.reduce((sum, { max }) => sum + max, 0)
  const isWithout = value.length <= least && parts.some(({ optional }) => optional)
  const empty = isFollowed ? 'Empty final component and following AI' : 'Empty final component'
  return [
    ...(value.length === most && isFollowed ? ['Limit, then following AI'] : []),
    ...(value.length === most ? formatNames(parts).map(name => `${name} at max`) : []),
    ...(value.length === least ? ['Shortest'] : []),
    ...(isWithout ? ['No optional component', empty] : []),
  ]
}

/** `N4; FNC1 required`, `N14, no FNC1 required`. */
function formatsOf({ parts, predefined }: Gs1Identifier): readonly string[] {
  const need = predefined ? ', no FNC1 required' : '; FNC1 required'
  return formatNames(parts).map(name => `${name}${need}`)
}

/** The ways in which its parts are written: `X..28` or `X1..28`, `N4 N5` or `N4-5`. */
function formatNames(parts: readonly Gs1Part[]): readonly string[] {
  const written = (least: 'least' | 'none', checks: 'checked' | 'plain'): string =>
    parts
      .map(({ characters, min, max, optional, linters }) => {
        const check = checks === 'checked' && linters.includes('csum') ? ',csum' : ''
        const isOpen = min < max
        if (isOpen && optional) return `${characters}0..${max}${check}`
        const from = least === 'least' ? min : ''
        const size = `${characters}${isOpen ? `${from}..` : ''}${max}${check}`
        return optional ? `[${size}]` : size
      })
      .join(' ')
  const digits = `N${parts.map(({ max }) => max).join('-')}`
  return [
    written('none', 'plain'),
    written('least', 'plain'),
    written('least', 'checked'),
    ...(parts.every(({ characters }) => characters === 'N') ? [digits] : []),
  ]
}

const CHARACTER_SETS = { N: 'numeric', X: 'CSET82', Y: 'CSET39', Z: 'CSET64' } as const

function reasonsOf({ elements }: Gs1Reading, fault: Gs1Fault, text: string): readonly string[] {
  switch (fault.type) {
    case 'empty':
      return ['Empty GS1 data']
    case 'no-identifier': {
      const before = elements.at(-1)
      const [next] = text.slice(lengthRead(elements))
      const isBehindFixed = before?.predefined === true && !before.separated
      const tail = `(${next}). Can't be "too long" since FNC1 not required`
      return ['No such AI', ...(isBehindFixed ? [`No such AI ${tail}`] : [])]
    }
    case 'short': {
      const isFixed = GS1_IDENTIFIERS.get(fault.identifier)?.predefined === true
      return [isFixed && fault.separated ? 'Short, with superfluous FNC1' : 'Too short']
    }
    case 'incomplete':
      return ['Incorrect length']
    case 'long':
      return ['Too long', 'Data too long', 'Over max']
    case 'characters':
      return [`Bad ${CHARACTER_SETS[fault.part.characters]} character`]
    case 'linter': {
      const { reason, part, isOneOfSeveral } = fault
      if (reason !== 'incorrect check digit') return [reason]
      if (isOneOfSeveral) return [`Bad check digit on ${part.characters}${part.max} component`]
      return [
        'Incorrect check digit (csum linter)',
        ...overlong(fault, text.slice(lengthRead(elements))),
      ]
    }
  }
}

function lengthRead(elements: readonly Gs1Element[]): number {
  return elements.reduce(
    (sum, { identifier, value, separated }) =>
      sum + identifier.length + value.length + (separated ? 1 : 0),
    0,
  )
}

/** A value of one length that goes on up to a separator which it does not need. */
function overlong(
  { identifier, part }: { readonly identifier: string; readonly part: Gs1Part },
  rest: string,
): readonly string[] {
  const behind = rest.slice(identifier.length + part.max)
  const until = behind.indexOf(GS1_SEPARATOR)
  if (until < 1) return []
  const isLast = until === behind.length - 1
  const ending = isLast ? '(no following AIs)' : `and meaningless AI (${behind[0]}^..)`
  return [`Long, with superfluous FNC1 ${ending}`]
}
