import { LIMITS } from '../../core/limits.js'
import { parseJson } from '../../core/schema.js'

/** What the column for queries holds of an event. */
export interface EventBody {
  /** The event itself: jsonb takes it as it is. */
  readonly isEvent: boolean
  /** Otherwise this, or nothing. */
  readonly json: string | null
}

export const NO_BODY: EventBody = { isEvent: false, json: null }

/** What PostgreSQL may refuse or could not read in bytes that are JSON to us. */
const RISKY = /\\u(?:0000|d)|\ufffd|\de[+-]?\d{3}|\d{1000}/i

/**
 * An event for queries, or nothing where it is no JSON or nests too deep. A batch must never fail
 * for what it holds, and jsonb refuses what JSON allows: U+0000, lone surrogates (here U+FFFD) and
 * numbers without end (here null). The exact bytes stand beside it.
 */
export function bodyOf(bytes: Uint8Array): EventBody {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
  const json = parseJson(text)
  if (!json.ok || isDeeper(json.value, LIMITS.jsonDepth)) return NO_BODY
  if (!RISKY.test(text)) return { isEvent: true, json: null }
  // Escapes one by one from the left, so that the backslash of `\\u0000` is not taken for one.
  const safe = JSON.stringify(json.value).replace(
    /\\(?:u0000|ud[89a-f][0-9a-f]{2}|.)/g,
    sequence => (/^\\u(?:0000|d)/.test(sequence) ? '\ufffd' : sequence),
  )
  return { isEvent: false, json: safe }
}

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (depth === 0) return true
  return Object.values(value).some(member => isDeeper(member, depth - 1))
}
