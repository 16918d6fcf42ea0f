import { hasValidCheckDigit } from '../../codec/check-digit.js'
import { isWebAddress } from '../../codec/gs1-digital-link.js'
import { lintYymmd0 } from '../../codec/gs1-linters.js'
import { fromHex } from '../../core/bytes.js'
import { aimLines } from '../../protocol/scanner/aim-lines.js'
import { honeywell, readMsgGet } from '../../protocol/scanner/honeywell.js'
import type { Adapter, Observed } from './adapter.js'
import { firstMessage } from './first-message.js'
import { describeElements, marked } from './gs1-elements.js'
import { ssi } from './ssi.js'

/** The names that GS1's engine gives to symbologies. */
const SYMBOLOGIES: Readonly<Record<string, string>> = {
  C0: 'Code128',
  C1: 'GS1_128_CCA',
  E0: 'EAN13',
  E4: 'EAN8',
  e0: 'DataBarExpanded',
  d1: 'DM',
  d2: 'DM',
  Q1: 'QR',
  Q3: 'QR',
  J0: 'DotCode',
  J1: 'DotCode',
  A0: 'Code39',
  I0: 'ITF',
  F0: 'Codabar',
  G0: 'Code93',
}
const ELEMENT_STRINGS = /^(C1|e0|d2|Q3|J1)$/

const gs1Scanner: Adapter = ({ hex, chunks }) => {
  const bytes = fromHex(chunks === undefined ? hex : chunks.join(''))
  const text = Buffer.from(bytes).toString('latin1')
  if (!text.startsWith(']')) return bareField(text)
  if (text.length < 3) return { ok: false, reason: 'Short' }
  const [symbology, data] = [text.slice(1, 3), text.slice(3)]
  const named = SYMBOLOGIES[symbology]
  if (named === undefined) return { ok: false, reason: 'Unknown symbology identifier' }
  // Silence ends it: what is given is one scan, whatever is in it.
  const read = firstMessage(aimLines({ type: 'aim-lines', suffix: 'none' }), bytes)
  const isElements = ELEMENT_STRINGS.test(symbology)
  const described = isElements ? describeElements(data) : {}
  if (!read.ok) return { ok: false, reason: reasonOf(read.error), ...described }
  if (isElements) return { ok: true, symbology: named, data: marked(data), ...described }
  const { gtin, elements } = read.value.fields
  if (gtin !== undefined && elements !== undefined)
    return { ok: true, symbology: named, data: `${gtin}|${marked(String(elements))}` }
  const link = typeof elements === 'string' ? describeElements(elements) : {}
  if (elements === undefined && isWebAddress(data))
    return { ok: false, reason: 'Invalid DL URI (no primary AI)' }
  return { ok: true, symbology: named, data: escaped(data), ...link }
}

/** Plain data that looks as if it began with FNC1. */
function escaped(data: string): string {
  return /^\\*\^/.test(data) ? `\\${data}` : data
}

/** Of a primary message: what the reader of scans says, in the engine's words. */
function reasonOf(issue: string): string {
  if (issue.includes('found fewer')) return 'Short'
  if (issue.includes('found more')) return 'Long'
  if (issue.includes('found other characters')) return 'Non-numeric'
  if (issue.includes('check digit')) return 'Bad check digit'
  return issue
}

/** Without identifier it is no scan; the same functions judge its check digit and its date. */
function bareField(text: string): Observed {
  if (text === '') return { ok: false, reason: 'No data', check_digit_ok: false, date_ok: false }
  const date = lintYymmd0(text) ?? null
  const isDate = text.length <= 7 && /\d/.test(text)
  return {
    ok: false,
    reason: isDate ? date : 'No symbology identifier',
    check_digit_ok: hasValidCheckDigit(text),
    date_ok: date === null,
  }
}

const scannerHoneywell: Adapter = ({ hex, chunks }) => {
  const framer = honeywell().createFramer()
  const reads = (chunks ?? [hex]).map(fromHex)
  const each = reads.map(bytes => framer.push(bytes))
  const expecting_more = each.map(outputs => !outputs.some(({ type }) => type === 'frame'))
  const frame = [...each.flat(), ...framer.idle()].find(({ type }) => type === 'frame')
  if (frame?.type !== 'frame') return { error: 'rejected', expecting_more }
  const { code, aim, data } = readMsgGet(frame.payload)
  return { barcode: data, honeywell_id: code, aim: `]${aim}`, expecting_more }
}

/** Scanners, by the names that vectors give their protocols. */
export const SCANNERS: Readonly<Record<string, Adapter>> = {
  'gs1-scanner': gs1Scanner,
  'scanner-honeywell': scannerHoneywell,
  'scanner-ssi': ssi,
}
