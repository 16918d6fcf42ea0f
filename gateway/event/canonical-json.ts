import { LIMITS } from '../core/limits.js'

/** Canonical JSON as text: where it stands inside a larger value it is taken over as it is. */
export class SpelledJson {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/**
 * JSON with one spelling per value (RFC 8785: keys sorted by UTF-16 code units, no white space),
 * so that a digest of it means the value. Members that are `undefined` are left out.
 * @throws TypeError for what JSON cannot hold (functions, non-finite numbers) and for what nests
 * deeper than `LIMITS.jsonDepth`.
 */
export function canonicalJson(value: unknown): string {
  return spell(value, LIMITS.jsonDepth)
}

// Plain loops: every event is spelled before its terminal gets an answer.
function spell(value: unknown, depthLeft: number): string {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null)
    return JSON.stringify(value)
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value)
  if (typeof value !== 'object') throw new TypeError(`not JSON: ${typeof value}`)
  if (value instanceof SpelledJson) return value.text
  if (depthLeft === 0) throw new TypeError(`JSON nested deeper than ${LIMITS.jsonDepth}`)
  return Array.isArray(value) ? spellArray(value, depthLeft) : spellObject(value, depthLeft)
}

function spellArray(items: readonly unknown[], depthLeft: number): string {
  let inner = ''
  for (const item of items) inner += `${inner === '' ? '' : ','}${spell(item, depthLeft - 1)}`
  return `[${inner}]`
}

function spellObject(value: object, depthLeft: number): string {
  const members: Readonly<Record<string, unknown>> = { ...value }
  let inner = ''
  for (const key of Object.keys(members).sort()) {
    const member = members[key]
    if (member === undefined) continue
    inner += `${inner === '' ? '' : ','}${JSON.stringify(key)}:${spell(member, depthLeft - 1)}`
  }
  return `{${inner}}`
}
