import { fail, ok, type Result } from '../core/result.js'
import { GS1_SEPARATOR, parseElementString } from './gs1.js'
import { GS1_IDENTIFIERS } from './gs1-identifiers.js'

/** http or https, all small or all capital letters; a domain; a path. */
const URI = /^(?:https?|HTTPS?):\/\/[^/?#\\^`{|}<> ]+(\/[^?#]*)(?:\?([^#]*))?(?:#.*)?$/

/** Whether it looks like a link at all: only then it has to be a GS1 one, or none. */
export function isWebAddress(text: string): boolean {
  return /^(?:https?|HTTPS?):\/\//.test(text)
}

/**
 * The elements of a GS1 Digital Link URI as an element string: the key and its qualifiers from the
 * path, attributes from the query (GS1 Digital Link: URI Syntax 1.6). Compressed ones are not read.
 */
export function elementStringOfLink(uri: string): Result<string, string> {
  const [, path, query = ''] = URI.exec(uri) ?? []
  if (path === undefined) return fail('a web address with a domain and a path')
  const pairs = pathPairs(path.split('/').slice(1))
  if (pairs === undefined) return fail('a key of GS1 in the path')
  const attributes = query
    .split('&')
    .map(parameter => parameter.split('='))
    .filter(([name = '']) => /^\d+$/.test(name))
    .map(([name = '', value = '']) => ({ identifier: name, value: decoded(value, true) }))
  const all = [...pairs, ...attributes]
  const unknown = all.find(({ identifier }) => !GS1_IDENTIFIERS.has(identifier))
  if (unknown !== undefined) return fail('application identifiers that exist')
  const text = all
    .map(({ identifier, value }, index) => {
      const isSeparated = GS1_IDENTIFIERS.get(identifier)?.predefined !== true
      return `${identifier}${value}${isSeparated && index < all.length - 1 ? GS1_SEPARATOR : ''}`
    })
    .join('')
  const { fault } = parseElementString(text)
  return fault === undefined ? ok(text) : fail('values that GS1 allows')
}

interface Pair {
  readonly identifier: string
  readonly value: string
}

/** The pairs from the last key of the path to its end; undefined where there is none. */
function pathPairs(segments: readonly string[]): readonly Pair[] | undefined {
  const starts = [...segments.keys()].filter(at => (segments.length - at) % 2 === 0)
  const keys = starts.filter(at => {
    const names = segments.slice(at).filter((_, index) => index % 2 === 0)
    const isKey = GS1_IDENTIFIERS.get(segments[at] ?? '')?.isLinkKey === true
    return isKey && names.every(name => GS1_IDENTIFIERS.has(name))
  })
  const start = keys.at(-1)
  if (start === undefined) return undefined
  return segments.slice(start).flatMap((identifier, index, rest) => {
    const value = rest[index + 1]
    return index % 2 === 0 && value !== undefined
      ? [{ identifier, value: decoded(value, false) }]
      : []
  })
}

/** Percent sequences, and in a query `+`, as what they stand for; one that is broken stays. */
function decoded(text: string, isQuery: boolean): string {
  return (isQuery ? text.replaceAll('+', ' ') : text).replace(/%[0-9A-Fa-f]{2}/g, hex =>
    String.fromCharCode(Number.parseInt(hex.slice(1), 16)),
  )
}
