/**
 * Which runs of digits may be card numbers: ISO/IEC 7812 prefix, length, and Luhn's check digit.
 * The prefixes are those the schemes publish; 13-digit Visa is left out, since no such card is
 * issued any more and every tenth EAN-13 that begins with 4 would pass for one.
 */

/**
 * `sure`: a scheme's prefix and length. `likely`: also all of Maestro's range from 16 digits on, a
 * sixth of all numbers. `possible`: also its short numbers, which only a word beside them makes a
 * card's.
 */
export type Certainty = 'sure' | 'likely' | 'possible'

export const SHORTEST_PAN = 12
export const LONGEST_PAN = 19

interface Scheme {
  /** Prefixes, each from and to, of the same number of digits. */
  readonly prefixes: readonly (readonly [from: number, to: number])[]
  readonly lengths: readonly number[]
}

const SCHEMES: Readonly<Record<Certainty, readonly Scheme[]>> = {
  sure: [
    // Visa
    { prefixes: [[4, 4]], lengths: [16, 19] },
    // Mastercard
    {
      prefixes: [
        [51, 55],
        [2221, 2720],
      ],
      lengths: [16],
    },
    // American Express
    {
      prefixes: [
        [34, 34],
        [37, 37],
      ],
      lengths: [15],
    },
    // Diners Club
    {
      prefixes: [
        [300, 305],
        [36, 36],
        [38, 39],
      ],
      lengths: [14, 16],
    },
    // Discover
    {
      prefixes: [
        [6011, 6011],
        [644, 649],
        [65, 65],
      ],
      lengths: [16, 19],
    },
    // UnionPay
    { prefixes: [[62, 62]], lengths: [16, 17, 18, 19] },
    // JCB
    { prefixes: [[3528, 3589]], lengths: [16, 19] },
    // Maestro, as issued: the rest of its range is below
    {
      prefixes: [
        [5018, 5018],
        [5020, 5020],
        [5038, 5038],
        [5893, 5893],
        [6304, 6304],
        [6759, 6759],
        [6761, 6763],
        [6799, 6799],
      ],
      lengths: [16, 17, 18, 19],
    },
  ],
  likely: [
    {
      prefixes: [
        [50, 50],
        [56, 69],
      ],
      lengths: [16, 17, 18, 19],
    },
  ],
  possible: [
    {
      prefixes: [
        [50, 50],
        [56, 69],
      ],
      lengths: [12, 13, 14, 15],
    },
  ],
}

/** By the first four digits: bit n is set where a number of n digits may be a card. */
function tableOf(schemes: readonly Scheme[]): Uint32Array {
  const table = new Uint32Array(10_000)
  for (const { prefixes, lengths } of schemes) {
    const bits = lengths.reduce((all, length) => all | (1 << length), 0)
    for (const [from, to] of prefixes) {
      const width = 10 ** (4 - String(from).length)
      for (let prefix = from * width; prefix < (to + 1) * width; prefix += 1)
        table[prefix] = (table[prefix] ?? 0) | bits
    }
  }
  return table
}

const TABLES: Readonly<Record<Certainty, Uint32Array>> = {
  sure: tableOf(SCHEMES.sure),
  likely: tableOf([...SCHEMES.sure, ...SCHEMES.likely]),
  possible: tableOf([...SCHEMES.sure, ...SCHEMES.likely, ...SCHEMES.possible]),
}

const ZERO = 0x30

/**
 * A run of digits that can be asked for any part of itself whether it may be a card number, in the
 * same short time however long the run is.
 */
export class DigitRun {
  readonly length: number
  readonly #digits: string
  /** Sums up to each place, of the digits as Luhn counts them: every even place doubled, or odd. */
  readonly #evenDoubled: Uint32Array
  readonly #oddDoubled: Uint32Array

  /** @param digits nothing but 0 to 9 */
  constructor(digits: string) {
    const { length } = digits
    this.length = length
    this.#digits = digits
    this.#evenDoubled = new Uint32Array(length + 1)
    this.#oddDoubled = new Uint32Array(length + 1)
    let even = 0
    let odd = 0
    for (let at = 0; at < length; at += 1) {
      const digit = digits.charCodeAt(at) - ZERO
      const twice = digit > 4 ? 2 * digit - 9 : 2 * digit
      even += at % 2 === 0 ? twice : digit
      odd += at % 2 === 0 ? digit : twice
      this.#evenDoubled[at + 1] = even
      this.#oddDoubled[at + 1] = odd
    }
  }

  /** Whether the digits from `start` up to `end` may be one. */
  isCard(start: number, end: number, certainty: Certainty): boolean {
    const bits = this.#lengthsAt(start, certainty)
    return (
      end - start <= LONGEST_PAN && (bits & (1 << (end - start))) !== 0 && this.isLuhn(start, end)
    )
  }

  /** Whether the last of them is Luhn's check digit (ISO/IEC 7812-1, annex B). */
  isLuhn(start: number, end: number): boolean {
    // The last digit counts once, the one before it twice, and so on.
    const sums = end % 2 === 0 ? this.#evenDoubled : this.#oddDoubled
    return ((sums[end] ?? 0) - (sums[start] ?? 0)) % 10 === 0
  }

  /** All parts that may be one, wherever they begin. */
  *cards(certainty: Certainty): Iterable<readonly [start: number, end: number]> {
    for (let start = 0; start + SHORTEST_PAN <= this.length; start += 1) {
      const bits = this.#lengthsAt(start, certainty)
      if (bits === 0) continue
      const last = Math.min(this.length, start + LONGEST_PAN)
      for (let end = start + SHORTEST_PAN; end <= last; end += 1)
        if ((bits & (1 << (end - start))) !== 0 && this.isLuhn(start, end)) yield [start, end]
    }
  }

  #lengthsAt(start: number, certainty: Certainty): number {
    const digits = this.#digits
    const prefix =
      (digits.charCodeAt(start) - ZERO) * 1000 +
      (digits.charCodeAt(start + 1) - ZERO) * 100 +
      (digits.charCodeAt(start + 2) - ZERO) * 10 +
      (digits.charCodeAt(start + 3) - ZERO)
    return TABLES[certainty][prefix] ?? 0
  }
}

/** Whether a card number may begin so; of fewer than four digits nothing is known. */
export function isCardPrefix(digits: string): boolean {
  return digits.length < 4 || TABLES.possible[Number(digits.slice(0, 4))] !== 0
}

/**
 * How much of a card number of this length is kept, everywhere the same, for two ways of shortening
 * one number can be put together again (PCI SSC FAQ 1091, 1117): the last four, and of the first
 * six so many that six stay hidden.
 */
export function keptOf(length: number): { readonly first: number; readonly last: number } {
  return { first: Math.max(0, Math.min(6, length - 10)), last: 4 }
}

/**
 * A card number as a terminal states it (digits; stars, x, #, E or F for what it hides; blanks,
 * dashes; perhaps the last four alone), shortened to what is kept. Undefined for what is none.
 */
export function maskPan(stated: string): string | undefined {
  const signs = stated
    .replaceAll(/[ -]/g, '')
    .replace(/F+$/i, '')
    .replaceAll(/[xX#•eE]/g, '*')
  if (/^\d{4}$/.test(signs)) return `****${signs}`
  if (!/^[\d*]{6,19}$/.test(signs)) return undefined
  const { first, last } = keptOf(signs.length)
  const hidden = '*'.repeat(signs.length - first - last)
  const shortened = signs.slice(0, first) + hidden + signs.slice(-last)
  return /^\d*\*{2,}\d*$/.test(shortened) ? shortened : undefined
}
