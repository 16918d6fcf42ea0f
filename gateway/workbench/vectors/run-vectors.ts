import { messageOf } from '../../core/errors.js'
import { type Observed, Spellings } from './adapter.js'
import { ADAPTERS, GIVEN } from './catalog.js'
import type { Vector } from './vector.js'

/** How one vector went; no failure where every key of its `expect` is as observed. */
export interface VectorResult {
  readonly name: string
  readonly protocol: string
  readonly failures: readonly string[]
}

export function runVector(vector: Vector): VectorResult {
  const { name, source: _, expect, ...bytes } = vector
  const { protocol } = bytes
  const adapter = ADAPTERS[protocol]
  if (adapter === undefined)
    return { name, protocol, failures: [`no decoder for the protocol ${protocol}`] }
  const given = givenIn(expect, GIVEN[protocol] ?? [])
  try {
    const found = adapter({ ...bytes, given })
    const readings = isReadings(found) ? found : [found]
    const all = readings.map(reading => differences(expect, reading))
    const [least = ['no reading']] = all.toSorted((left, right) => left.length - right.length)
    return { name, protocol, failures: least }
  } catch (thrown) {
    return { name, protocol, failures: [`the decoder threw: ${messageOf(thrown)}`] }
  }
}

function isReadings(found: Observed | readonly Observed[]): found is readonly Observed[] {
  return Array.isArray(found)
}

function givenIn(
  expect: Vector['expect'],
  keys: readonly string[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    keys.flatMap(key => (typeof expect[key] === 'string' ? [[key, expect[key]]] : [])),
  )
}

function differences(expect: Vector['expect'], observed: Observed): readonly string[] {
  return Object.entries(expect)
    .filter(([key, expected]) => !isAsExpected(key, expected, observed[key]))
    .map(
      ([key, expected]) =>
        `${key}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(observed[key])}`,
    )
}

/**
 * Equal but for the order of keys; of an object only the members that are expected. Lines of
 * receipts are compared without trailing blanks and empty lines; of `contains` each text must
 * occur, of `events` each kind, and `starts_with` begins it. Symbologies have many spellings.
 */
function isAsExpected(key: string, expected: unknown, found: unknown): boolean {
  if (key === 'lines') return isEqual(receiptLines(expected), receiptLines(found))
  if (key === 'contains' && Array.isArray(expected) && Array.isArray(found))
    return expected.every(text => found.some(line => String(line).includes(String(text))))
  if (key === 'contains' && typeof found === 'string') return found.includes(String(expected))
  if (key === 'starts_with') return String(found).startsWith(String(expected))
  if (key === 'events' && Array.isArray(expected) && Array.isArray(found))
    return expected.every(kind => found.includes(kind))
  if (key === 'barcodes') return isEqual(plainCodes(expected), plainCodes(found))
  return isEqual(expected, found)
}

/** `EAN-13` and `EAN13`, `Code39` and `CODE 39`, `QR` and `QR Code` are one. */
function plainCodes(codes: unknown): unknown {
  if (!Array.isArray(codes)) return codes
  return codes.map(code => {
    if (!Array.isArray(code)) return code
    const [symbology, ...data] = code
    return [
      String(symbology)
        .toUpperCase()
        .replace(/CODE|[^A-Z0-9]/g, ''),
      ...data,
    ]
  })
}

function receiptLines(lines: unknown): unknown {
  if (!Array.isArray(lines) || !lines.every(line => typeof line === 'string')) return lines
  return lines.map(line => line.trimEnd()).filter(line => line !== '')
}

function isEqual(expected: unknown, found: unknown): boolean {
  if (found instanceof Spellings) return found.all.some(one => isEqual(expected, one))
  if (Array.isArray(expected))
    return (
      Array.isArray(found) &&
      found.length === expected.length &&
      expected.every((one, index) => isEqual(one, found[index]))
    )
  if (!isRecord(expected)) return Object.is(expected, found)
  return isRecord(found) && Object.entries(expected).every(([key, one]) => isEqual(one, found[key]))
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
