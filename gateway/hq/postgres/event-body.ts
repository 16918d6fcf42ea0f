import { LIMITS } from '../../core/limits.js'
import { parseJson } from '../../core/schema.js'

/**
 * An event as jsonb takes it, or nothing where it is no JSON or nests too deep. A batch must never
 * fail for what it holds, and jsonb refuses what JSON allows: U+0000, lone surrogates (here U+FFFD)
 * and numbers without end (here null). The exact bytes stand beside it.
 */
export function queryableBody(bytes: Uint8Array): string | null {
  const json = parseJson(Buffer.from(bytes).toString('utf8'))
  if (!json.ok || isDeeper(json.value, LIMITS.jsonDepth)) return null
  const text = JSON.stringify(json.value)
  if (!/\\u(?:0000|d)/.test(text)) return text
  // Escapes one by one from the left, so that the backslash of `\\u0000` is not taken for one.
  return text.replace(/\\(?:u0000|ud[89a-f][0-9a-f]{2}|.)/g, sequence =>
    /^\\u(?:0000|d)/.test(sequence) ? '\ufffd' : sequence,
  )
}

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (depth === 0) return true
  return Object.values(value).some(member => isDeeper(member, depth - 1))
}
