import { LIMITS } from '../core/limits.js'
import { fail, ok, type Result } from '../core/result.js'

/**
 * A regular expression that matches a whole message and cannot be made to run for ever. Its ways to
 * match (every repetition of every part, every alternative) are counted as if each could be tried
 * with each other; beyond `most` it is refused. So nested repetition is refused,
 * and a row of unbounded ones, while `\d{1,8}` is cheap. No look-around, back-reference or
 * anchor.
 */
export function compilePattern(
  source: string,
  most: number = LIMITS.patternPaths,
): Result<RegExp, string> {
  const counted = new PatternReader(source, most).paths()
  if (!counted.ok) return counted
  if (counted.value > most)
    return fail(
      `a pattern with at most ${most} ways to match; ` +
        'bound its repetitions, such as \\d{1,8} for \\d+, and repeat no repetition',
    )
  try {
    return ok(new RegExp(`^(?:${source})$`, 's'))
  } catch (thrown) {
    return fail(`a regular expression (${thrown instanceof Error ? thrown.message : 'unreadable'})`)
  }
}

/** The names of a pattern's groups, in order. */
export function groupNames(source: string): readonly string[] {
  return [...source.matchAll(/\(\?<([A-Za-z][A-Za-z0-9]*)>/g)].map(([, name = '']) => name)
}

class UnsupportedError extends Error {}

/** Counts the ways a pattern can match: a sum over alternatives, a product over a sequence. */
class PatternReader {
  readonly #source: string
  readonly #most: number
  #at = 0

  constructor(source: string, most: number) {
    this.#source = source
    this.#most = most
  }

  paths(): Result<number, string> {
    try {
      const paths = this.#alternatives()
      if (this.#at < this.#source.length) throw new UnsupportedError('balanced parentheses')
      return ok(paths)
    } catch (thrown) {
      if (thrown instanceof UnsupportedError) return fail(thrown.message)
      throw thrown
    }
  }

  #alternatives(): number {
    let paths = this.#sequence()
    while (this.#take('|')) paths += this.#sequence()
    return paths
  }

  #sequence(): number {
    let paths = 1
    while (this.#at < this.#source.length && !'|)'.includes(this.#peek())) {
      const once = this.#atom()
      paths *= this.#repeated(once)
    }
    return paths
  }

  #atom(): number {
    if (this.#take('(')) return this.#group()
    if (this.#take('[')) return this.#set()
    if ('^$*+?{}]'.includes(this.#peek()))
      throw new UnsupportedError('no anchors, and repetition signs and brackets in their places')
    if (this.#take('\\')) return this.#escape()
    this.#at += 1
    return 1
  }

  #group(): number {
    const opening = /^\?(?::|<[A-Za-z][A-Za-z0-9]*>)/.exec(this.#source.slice(this.#at))?.[0]
    if (opening === undefined)
      throw new UnsupportedError('groups written (?:…) or (?<name>…), and no look-around')
    this.#at += opening.length
    const paths = this.#alternatives()
    if (!this.#take(')')) throw new UnsupportedError('balanced parentheses')
    return paths
  }

  #set(): number {
    while (this.#at < this.#source.length && this.#peek() !== ']')
      this.#at += this.#peek() === '\\' ? 2 : 1
    if (!this.#take(']')) throw new UnsupportedError('balanced brackets')
    return 1
  }

  #escape(): number {
    const escaped = /^(?:x[0-9a-fA-F]{2}|[dDwWsSnrt]|[^A-Za-z0-9])/.exec(
      this.#source.slice(this.#at),
    )?.[0]
    if (escaped === undefined)
      throw new UnsupportedError('only the escapes \\d \\w \\s \\xHH and signs')
    this.#at += escaped.length
    return 1
  }

  /** The ways of an atom with the repetition that follows it, if one does. */
  #repeated(once: number): number {
    const sign = /^(?:[*+?]|\{\d{1,4}(?:,\d{0,4})?\})\??/.exec(this.#source.slice(this.#at))?.[0]
    if (sign === undefined) return once
    this.#at += sign.length
    const { least, most } = boundsOf(sign)
    if (once === 1) return Math.max(most - least + 1, 1)
    let paths = 0
    for (let times = least; times <= most && paths <= this.#most; times += 1) paths += once ** times
    return paths
  }

  #peek(): string {
    return this.#source.charAt(this.#at)
  }

  #take(sign: string): boolean {
    const found = this.#peek() === sign
    if (found) this.#at += 1
    return found
  }
}

function boundsOf(sign: string): { readonly least: number; readonly most: number } {
  const unbounded = LIMITS.patternBytes
  if (sign.startsWith('*')) return { least: 0, most: unbounded }
  if (sign.startsWith('+')) return { least: 1, most: unbounded }
  if (sign.startsWith('?')) return { least: 0, most: 1 }
  const [, least = '0', comma, most = ''] = /^\{(\d+)(,?)(\d*)\}/.exec(sign) ?? []
  if (comma === '') return { least: Number(least), most: Number(least) }
  return { least: Number(least), most: most === '' ? unbounded : Number(most) }
}
