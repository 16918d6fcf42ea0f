import {
  type Certainty,
  DigitRun,
  isCardPrefix,
  keptOf,
  LONGEST_PAN,
  SHORTEST_PAN,
} from './pan-scheme.js'

export interface PanSearch {
  /**
   * `whole`: a run of digits counts as it stands. `inside`: also any part of a longer run, where
   * columns stand side by side. `none`: only digits in groups, or beside a word that says card.
   */
  readonly runs: 'whole' | 'inside' | 'none'
  /** The text is known to be about cards: every number that may be one is one. */
  readonly isAboutCards: boolean
}

/** Words beside a number that make it a card's, in the languages of the shops. */
const CARD_WORDS = new RegExp(
  'card|kart[ey]|carte|tarjeta|cart[aã]o|kredit|credit|debit|pan ?[:=#]|visa|master|maestro|' +
    'amex|american express|diners|discover|jcb|union ?pay',
  'gi',
)
/** How near, in characters. */
const BESIDE = 40

/** The positions of the digits in a text that must not be kept. */
export function findPanDigits(text: string, search: PanSearch): ReadonlySet<number> {
  const hidden = new Set<number>()
  let words: readonly number[] | undefined
  for (const number of numbersIn(text)) {
    if (!search.isAboutCards) words ??= [...text.matchAll(CARD_WORDS)].map(match => match.index)
    const { first, end } = number
    const isAboutCards =
      search.isAboutCards || (words ?? []).some(at => at > first - BESIDE && at < end + BESIDE)
    for (const [from, to] of cardsOf(number, { runs: search.runs, isAboutCards })) {
      const kept = keptOf(to - from)
      for (let digit = from + kept.first; digit < to - kept.last; digit += 1)
        hidden.add(placeOf(number, digit))
    }
  }
  findHalfMasked(text, hidden)
  return hidden
}

/** Digits, perhaps in groups between single blanks or dashes. */
interface GroupedNumber {
  readonly first: number
  readonly end: number
  readonly digits: string
  readonly groups: readonly DigitGroup[]
  /** Of each digit, the group that it stands in. */
  readonly groupOf: Uint32Array
}

interface DigitGroup {
  /** Where it begins in the text, and among the digits of its number. */
  readonly at: number
  readonly from: number
  readonly length: number
}

/** Every number that is long enough to hold a card's. */
function numbersIn(text: string): readonly GroupedNumber[] {
  const found: GroupedNumber[] = []
  let first = -1
  let count = 0
  for (let at = 0; at <= text.length; at += 1) {
    if (isDigit(text, at)) {
      if (first < 0) first = at
      count += 1
    } else if (first >= 0 && !(isGap(text, at) && isDigit(text, at + 1))) {
      if (count >= SHORTEST_PAN) found.push(groupedNumber(text, first, at))
      first = -1
      count = 0
    }
  }
  return found
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 0x30 && code <= 0x39
}

/** A blank, a dash, a no-break blank. */
function isGap(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code === 0x20 || code === 0x2d || code === 0xa0
}

function groupedNumber(text: string, first: number, end: number): GroupedNumber {
  const digits = text.slice(first, end).replaceAll(/\D/g, '')
  const groupOf = new Uint32Array(digits.length)
  const groups: DigitGroup[] = []
  let from = 0
  for (const { 0: group, index } of text.slice(first, end).matchAll(/\d+/g)) {
    groupOf.fill(groups.length, from, from + group.length)
    groups.push({ at: first + index, from, length: group.length })
    from += group.length
  }
  return { first, end, digits, groups, groupOf }
}

function placeOf({ groups, groupOf }: GroupedNumber, digit: number): number {
  const { at, from } = groups[groupOf[digit] ?? 0] ?? { at: 0, from: 0 }
  return at + digit - from
}

type Card = readonly [from: number, to: number]

function* cardsOf(
  number: GroupedNumber,
  how: { readonly runs: PanSearch['runs']; readonly isAboutCards: boolean },
): Iterable<Card> {
  const { digits, groups } = number
  const { runs, isAboutCards } = how
  const run = new DigitRun(digits)
  const certainty: Certainty = isAboutCards ? 'possible' : 'likely'
  if (runs !== 'none' || isAboutCards)
    for (const { from, length } of groups)
      if (run.isCard(from, from + length, certainty)) yield [from, from + length]
  // As on the card: four digits at least in each group but the last.
  const shortest = isAboutCards ? 1 : 4
  for (const [index, { from: start }] of groups.entries())
    for (let last = index + 1; last < groups.length; last += 1) {
      const { from, length } = groups[last] ?? { from: 0, length: 0 }
      if ((groups[last - 1]?.length ?? 0) < shortest || from - start > LONGEST_PAN) break
      if (run.isCard(start, from + length, certainty)) yield [start, from + length]
    }
  if (runs === 'inside' || isAboutCards) yield* cardsInside(number, { run, isAboutCards })
}

/** Any part of the number, with no short group in its middle. */
function* cardsInside(
  { groups, groupOf }: GroupedNumber,
  how: { readonly run: DigitRun; readonly isAboutCards: boolean },
): Iterable<Card> {
  const { run, isAboutCards } = how
  const shortest = isAboutCards ? 1 : 4
  let count = 0
  const shortUpTo = groups.map(({ length }) => {
    count += length < shortest ? 1 : 0
    return count
  })
  for (const [from, to] of run.cards(isAboutCards ? 'possible' : 'sure')) {
    const [first, last] = [groupOf[from] ?? 0, groupOf[to - 1] ?? 0]
    if (last - first < 2 || shortUpTo[first] === shortUpTo[last - 1]) yield [from, to]
  }
}

/** Numbers with some digits hidden already, in one piece or in groups as on the card. */
const MASKED = /[\d*xX#\u2022]+(?:[ -][\d*xX#\u2022]+)*/g
const MASK_SIGNS = /[*xX#\u2022]/g
/** Fewer signs may mean anything. */
const FEWEST_SIGNS = 3
/** Longest group on a card: American Express and Diners Club have one of six digits. */
const CARD_GROUP = 6

/** Of a number that came half masked, the digits beyond what may be kept. */
function findHalfMasked(text: string, hidden: Set<number>): void {
  if (!/[*xX#\u2022]{2}/.test(text)) return
  for (const { 0: token, index } of text.matchAll(MASKED)) {
    if (token.length < SHORTEST_PAN) continue
    const groups = [...token.matchAll(/[^ -]+/g)].map(group => ({
      at: index + group.index,
      signs: group[0],
    }))
    for (const [first] of groups.entries())
      for (const at of beyondKept(groups.slice(first, first + LONGEST_PAN))) hidden.add(at)
  }
}

interface MaskedGroup {
  readonly at: number
  readonly signs: string
}

/** In every card number that begins with the first of these groups. */
function* beyondKept(groups: readonly MaskedGroup[]): Iterable<number> {
  let signs = ''
  let positions: readonly number[] = []
  for (const [index, group] of groups.entries()) {
    if (index > 0 && [groups[0], group].some(one => (one?.signs.length ?? 0) > CARD_GROUP)) return
    signs += group.signs
    positions = [...positions, ...Array.from(group.signs, (_, offset) => group.at + offset)]
    if (signs.length > LONGEST_PAN) return
    const [prefix = ''] = /^\d*/.exec(signs) ?? []
    const isMasked = (signs.match(MASK_SIGNS)?.length ?? 0) >= FEWEST_SIGNS
    if (signs.length < SHORTEST_PAN || !isMasked || !isCardPrefix(prefix)) continue
    const { first, last } = keptOf(signs.length)
    const middle = positions.slice(first, signs.length - last)
    yield* middle.filter(at => /\d/.test(signs[positions.indexOf(at)] ?? ''))
  }
}
