/** A name whose value is a secret; one that ends in `File` only says where one is. */
const SECRET = /pass(word|wd|key)|secret|token|credential|\bkey$|hash$|pin$/i

/** A copy without secrets: what they are called is kept, that they are there, too. */
export function redacted(value: unknown, name = ''): unknown {
  const isSecret = SECRET.test(name) && !name.endsWith('File')
  if (isSecret && value !== undefined && value !== null) return '[hidden]'
  if (Array.isArray(value)) return value.map(one => redacted(one))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, redacted(one, key)]))
}
