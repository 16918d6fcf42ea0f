import { type Certainty, DigitRun, LONGEST_PAN, SHORTEST_PAN } from './pan-scheme.js'

/** Track 1 (ISO/IEC 7813, structure B): number (some have blanks in it), name, expiry. */
const TRACK_1 = /(%?)B(\d[\d ]{10,21}\d)\^[^^]{2,26}\^\d{4}/gi
/** Track 2 with its start sentinel: number, expiry YYMM, service code. The form is enough. */
const TRACK_2 = /;\d{12,21}=\d{7}/

/**
 * What follows a number that has no sentinel before it: a month that exists and a service code that
 * does (ISO/IEC 7813, clause 7).
 */
const EXPIRY = String.raw`\d\d(?:0[1-9]|1[0-2])[125-79][024][0-7]`
const BEHIND = new RegExp(EXPIRY, 'y')
/** In nibbles the field is filled up with F. */
const BEHIND_PACKED = new RegExp(String.raw`${EXPIRY}\d{0,18}(?:f|$)`, 'y')

/** Whether a text holds a card's magnetic track. */
export function holdsTrack(text: string): boolean {
  if (text.includes('^'))
    for (const [, sentinel, number = ''] of text.matchAll(TRACK_1))
      if (sentinel !== '' || endsAsCard(number.replaceAll(' ', ''), 'possible')) return true
  if (TRACK_2.test(text)) return true
  for (const number of numbersBefore({ text, separator: '=', behind: BEHIND }))
    if (endsAsCard(number, 'possible')) return true
  // As text of hexadecimal, where the digits before it are all of the number.
  for (const separator of ['D', 'd'])
    for (const number of numbersBefore({ text, separator, behind: BEHIND }))
      if (new DigitRun(number).isCard(0, number.length, 'likely')) return true
  return false
}

/** Whether bytes, given as hexadecimal, hold the equivalent of track 2 as chips have it. */
export function holdsPackedTrack(nibbles: string): boolean {
  for (const number of numbersBefore({ text: nibbles, separator: 'd', behind: BEHIND_PACKED }))
    if (endsAsCard(number.slice(-LONGEST_PAN), 'sure')) return true
  return false
}

/** The digits before each separator that has an expiry behind it. */
function* numbersBefore(options: {
  readonly text: string
  readonly separator: string
  readonly behind: RegExp
}): Iterable<string> {
  const { text, separator, behind } = options
  for (let at = text.indexOf(separator); at >= 0; at = text.indexOf(separator, at + 1)) {
    behind.lastIndex = at + 1
    if (!behind.test(text)) continue
    let from = at
    while (at - from <= LONGEST_PAN && isDigit(text, from - 1)) from -= 1
    if (at - from >= SHORTEST_PAN) yield text.slice(from, at)
  }
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 0x30 && code <= 0x39
}

/** Digits before a number may run into it: a tag, a length, the column before. */
function endsAsCard(digits: string, certainty: Certainty): boolean {
  const run = new DigitRun(digits)
  for (let start = 0; start + SHORTEST_PAN <= run.length; start += 1)
    if (run.isCard(start, run.length, certainty)) return true
  return false
}
