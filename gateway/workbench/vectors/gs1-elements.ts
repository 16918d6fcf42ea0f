import {
  GS1_SEPARATOR,
  type Gs1Element,
  type Gs1Fault,
  parseElementString,
} from '../../codec/gs1.js'
import { GS1_IDENTIFIERS } from '../../codec/gs1-identifiers.js'
import type { Observed } from './adapter.js'

/** FNC1 as `^`, in front and where a separator was sent. */
export function marked(elements: string): string {
  return `^${elements.replaceAll(GS1_SEPARATOR, '^')}`
}

/** An element string, with what GS1's engine remarks on it or finds wrong. */
export function describeElements(text: string): Observed {
  const { elements, fault } = parseElementString(text)
  const ais = elements.map(({ identifier, value }) => [identifier, value])
  const reason = fault === undefined ? remarkOn(elements) : reasonOf(fault)
  return { element_string: marked(text), ais, reason }
}

/** How separators and predefined lengths went together. */
function remarkOn(elements: readonly Gs1Element[]): string | null {
  if (elements.some(({ predefined, separated }) => predefined && separated))
    return 'Tolerate superfluous FNC1'
  if (elements.at(-1)?.separated === true) return 'Tolerant of FNC1 at end of data'
  const [first, second] = elements
  if (first?.predefined !== true || second === undefined) return null
  return `Fixed-length, run into next AI (${first.identifier})...(${second.identifier})...`
}

const CHARACTER_SETS = { N: 'numeric', X: 'CSET82', Y: 'CSET39', Z: 'CSET64' } as const

function reasonOf(fault: Gs1Fault): string {
  switch (fault.type) {
    case 'empty':
      return 'Empty GS1 data'
    case 'no-identifier':
      return 'No such AI'
    case 'short': {
      const isFixed = GS1_IDENTIFIERS.get(fault.identifier)?.predefined === true
      return isFixed && fault.separated ? 'Short, with superfluous FNC1' : 'Too short'
    }
    case 'incomplete':
      return 'Incorrect length'
    case 'long':
      return 'Too long'
    case 'characters':
      return `Bad ${CHARACTER_SETS[fault.part.characters]} character`
    case 'linter': {
      const { reason, part, isOneOfSeveral } = fault
      if (reason !== 'incorrect check digit') return reason
      if (!isOneOfSeveral) return 'Incorrect check digit (csum linter)'
      return `Bad check digit on ${part.characters}${part.max} component`
    }
  }
}
