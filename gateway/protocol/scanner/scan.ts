import { hasValidCheckDigit } from '../../codec/check-digit.js'
import { readElementString } from '../../codec/gs1.js'
import { elementStringOfLink, isWebAddress } from '../../codec/gs1-digital-link.js'
import { type FieldOutline, type MessageOutline, oneMessage, type Reading } from '../protocol.js'

/** What a scanner read: the AIM symbology identifier without `]` (ISO/IEC 15424), and the data. */
export interface Scan {
  readonly symbology: string
  readonly text: string
}

const SCANNED: readonly FieldOutline[] = [
  { name: 'symbology', type: 'text' },
  { name: 'text', type: 'text' },
]
const GTIN: FieldOutline = { name: 'gtin', type: 'digits' }
const ELEMENTS: FieldOutline = { name: 'elements', type: 'text' }

/** What every scanner may say, whatever its protocol. `elements` is an element string. */
export const SCAN_MESSAGES: readonly MessageOutline[] = [
  { name: 'gs1', fields: [...SCANNED, ELEMENTS] },
  { name: 'ean-13', fields: [...SCANNED, GTIN] },
  { name: 'ean-8', fields: [...SCANNED, GTIN] },
  { name: 'composite', fields: [...SCANNED, GTIN, ELEMENTS] },
  /** Its elements, where it is a GS1 Digital Link. */
  { name: 'other', fields: [...SCANNED, { ...ELEMENTS, optional: true }] },
]

/** Symbologies whose data are an element string. */
const ELEMENT_STRINGS: ReadonlySet<string> = new Set(['C1', 'e0', 'd2', 'Q3', 'J1'])
/** The linear part of a composite, and the two-dimensional one behind it. */
const COMPOSITE = '|]e0'
const MOST_CHARACTERS = 4000

/** Data is never a number: leading zeros count. */
export function readScan({ symbology, text }: Scan): Reading {
  if (ELEMENT_STRINGS.has(symbology)) return readElements({ symbology, text })
  if (symbology === 'E0') return readArticle('ean-13', { symbology, text })
  if (symbology === 'E4') return readArticle('ean-8', { symbology, text })
  if (text.length > MOST_CHARACTERS)
    return rejected('other', `text: expected at most ${MOST_CHARACTERS} bytes`)
  const link = isWebAddress(text) ? elementStringOfLink(text) : undefined
  return oneMessage('other', {
    symbology,
    text,
    ...(link?.ok === true ? { elements: link.value } : {}),
  })
}

function readElements({ symbology, text }: Scan): Reading {
  const issue = elementIssue(text)
  return issue === undefined
    ? oneMessage('gs1', { symbology, text, elements: text })
    : rejected('gs1', issue)
}

function elementIssue(text: string): string | undefined {
  const read = readElementString(text)
  return read.ok ? undefined : `text: expected a GS1 element string: ${read.error}`
}

/** UPC-A and UPC-E come as 13 digits with zeros in front. */
function readArticle(name: 'ean-13' | 'ean-8', { symbology, text }: Scan): Reading {
  const digits = name === 'ean-13' ? 13 : 8
  const gtin = text.slice(0, digits)
  const behind = text.slice(digits)
  const wanted = `text: expected ${digits} digits`
  if (gtin.length < digits) return rejected(name, `${wanted}, found fewer`)
  if (behind !== '' && !behind.startsWith(COMPOSITE)) return rejected(name, `${wanted}, found more`)
  if (!/^\d+$/.test(gtin)) return rejected(name, `${wanted}, found other characters`)
  if (!hasValidCheckDigit(gtin)) return rejected(name, 'text: expected a valid check digit')
  if (behind === '') return oneMessage(name, { symbology, text, gtin })
  const elements = behind.slice(COMPOSITE.length)
  const issue = elementIssue(elements)
  if (issue !== undefined) return rejected('composite', issue)
  return oneMessage('composite', { symbology, text, gtin, elements })
}

function rejected(message: string, issue: string): Reading {
  return { type: 'rejected', message, issue }
}

/** The text of a scan as the values of a message say it. @throws RangeError */
export function scanOf(message: string, values: Readonly<Record<string, unknown>>): Scan {
  const { text, symbology } = values
  if (!SCAN_MESSAGES.some(({ name }) => name === message))
    throw new RangeError(`no message ${message} of a scanner`)
  const fallback = message === 'ean-8' ? 'E4' : 'E0'
  return { symbology: String(symbology ?? fallback), text: String(text) }
}
