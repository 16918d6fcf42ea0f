import { LIMITS } from '../core/limits.js'

/**
 * JSON with one spelling per value (RFC 8785: keys sorted by UTF-16 code units, no white space),
 * so that a digest of it means the value. Members that are `undefined` are left out.
 * @throws TypeError for what JSON cannot hold (functions, non-finite numbers) and for what nests
 * deeper than `LIMITS.jsonDepth`.
 */
export function canonicalJson(value: unknown): string {
  return spell(value, LIMITS.jsonDepth)
}

function spell(value: unknown, depthLeft: number): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string')
    return JSON.stringify(value)
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value)
  if (typeof value !== 'object') throw new TypeError(`not JSON: ${typeof value}`)
  if (depthLeft === 0) throw new TypeError(`JSON nested deeper than ${LIMITS.jsonDepth}`)
  const inner = (member: unknown): string => spell(member, depthLeft - 1)
  if (Array.isArray(value)) return `[${value.map(inner).join(',')}]`
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${inner(member)}`)
  return `{${members.join(',')}}`
}
