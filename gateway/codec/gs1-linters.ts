import { hasValidCheckDigit } from './check-digit.js'
import { isCalendarDay } from './date.js'
import {
  COUNTRY_CODES,
  COUNTRY_NUMBERS,
  CURRENCY_NUMBERS,
  PACKAGE_TYPES,
} from './gs1-code-lists.js'
import { COUPON_CODE, COUPON_OFFER, lintCoupon } from './gs1-coupon.js'

/** What is wrong with a part of a value, in the words of GS1's syntax dictionary. */
type Linter = (text: string) => string | undefined

const DIGITS = /^\d*$/
/** The 82 characters of GS1, in the order that gives them their weights. */
const CSET82 = '!"%&\'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz'
const CSET32 = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ'
/** The shortest company prefix that GS1 gives out. */
const LEAST_PREFIX = 4

/** A check that holds, or what it is called where it does not. */
const unless =
  (isSound: (text: string) => boolean, fault: string): Linter =>
  text =>
    isSound(text) ? undefined : fault

const digitsThen =
  (linter: Linter): Linter =>
  text =>
    DIGITS.test(text) ? linter(text) : 'non digit character'

const upTo = (most: number, fault: string): Linter =>
  digitsThen(unless(text => Number(text) <= most, fault))

function csum(text: string): string | undefined {
  if (text === '') return 'too short for check digit'
  if (!DIGITS.test(text)) return 'non digit character'
  return text === '0' || hasValidCheckDigit(text) ? undefined : 'incorrect check digit'
}

/** YYMMDD; day 00 is the last of the month. */
export function lintYymmd0(text: string): string | undefined {
  if (text.length !== 6) return text.length < 6 ? 'date too short' : 'date too long'
  // The leap years of every century in GS1's window are those of this one.
  return lintYyyymmd0(`20${text}`)
}

function lintYyyymmd0(text: string): string | undefined {
  if (!DIGITS.test(text)) return 'non digit character'
  const [year, month, day] = [text.slice(0, 4), text.slice(4, 6), text.slice(6)].map(Number)
  if (year === undefined || month === undefined || day === undefined) return 'date too short'
  if (month < 1 || month > 12) return 'illegal month'
  return isCalendarDay({ year, month, day: day === 0 ? 1 : day }) ? undefined : 'illegal day'
}

const withDay =
  (linter: Linter): Linter =>
  text =>
    linter(text) ?? (text.endsWith('00') ? 'illegal day' : undefined)

function hhmi(text: string): string | undefined {
  return LINTERS.hh(text.slice(0, 2)) ?? LINTERS.mi(text.slice(2))
}

function companyPrefix(text: string): string | undefined {
  if (text.length < LEAST_PREFIX) return 'too short for gcp'
  return DIGITS.test(text.slice(0, LEAST_PREFIX)) ? undefined : 'invalid gcp prefix'
}

/** Two check characters over prime weights (GS1 General Specifications 7.9.5). */
function csumalpha(text: string): string | undefined {
  if (text.length < 2) return 'too short for check pair'
  const body = [...text.slice(0, -2)]
  const weights = body.map(character => CSET82.indexOf(character))
  if (weights.includes(-1)) return 'invalid cset82 character'
  const sum = weights.reduce((total, weight, at) => total + weight * prime(body.length - 1 - at), 0)
  const pair = `${CSET32[(sum % 1021) >> 5]}${CSET32[(sum % 1021) & 31]}`
  return text.endsWith(pair) ? undefined : 'incorrect check pair'
}

function prime(index: number): number {
  const primes = [2]
  for (let candidate = 3; primes.length <= index; candidate += 2)
    if (primes.every(one => candidate % one !== 0)) primes.push(candidate)
  return primes[index] ?? 2
}

function iban(text: string): string | undefined {
  if (text.length < 4) return 'iban too short'
  if (!COUNTRY_CODES.has(text.slice(0, 2))) return 'illegal iban country code'
  if (text.length <= 10) return 'iban too short'
  if (!/^[0-9A-Z]*$/.test(text)) return 'invalid iban character'
  const digits = [...text.slice(4), ...text.slice(0, 4)]
    .map(one => Number.parseInt(one, 36))
    .join('')
  return BigInt(digits) % 97n === 1n ? undefined : 'incorrect iban checksum'
}

function pieceoftotal(text: string): string | undefined {
  const half = text.length / 2
  const [piece, total] = [Number(text.slice(0, half)), Number(text.slice(half))]
  if (piece === 0) return 'zero piece number'
  if (total === 0) return 'zero total pieces'
  return piece > total ? 'piece number exceeds total' : undefined
}

function posinseqslash(text: string): string | undefined {
  const [, position = '', end = ''] = /^(\d+)\/(\d+)$/.exec(text) ?? []
  if (position === '') return 'position in sequence malformed'
  if (position.startsWith('0') || end.startsWith('0')) return 'illegal zero prefix'
  return Number(position) > Number(end) ? 'position exceeds end' : undefined
}

const coupon = (steps: typeof COUPON_CODE): Linter =>
  digitsThen(text =>
    lintCoupon(text, { steps, checks: { date: withDay(lintYymmd0), companyPrefix } }),
  )

/** The checks that the dictionary names, as its reference procedures do them. */
export const LINTERS = {
  couponcode: coupon(COUPON_CODE),
  couponposoffer: coupon(COUPON_OFFER),
  csum,
  csumalpha,
  gcppos1: companyPrefix,
  gcppos2: (text: string) => companyPrefix(text.slice(1)),
  hasnondigit: unless(text => !DIGITS.test(text), 'requires non digit character'),
  hh: upTo(23, 'illegal hour'),
  hhmi,
  hyphen: unless(text => /^-+$/.test(text), 'not hyphen'),
  iban,
  importeridx: unless(text => /^[-0-9A-Z_a-z]$/.test(text), 'invalid import idx character'),
  iso3166: unless(text => COUNTRY_NUMBERS.has(text), 'not iso3166'),
  iso3166999: unless(text => text === '999' || COUNTRY_NUMBERS.has(text), 'not iso3166 or 999'),
  iso3166alpha2: unless(text => COUNTRY_CODES.has(text), 'not iso3166 alpha2'),
  iso4217: unless(text => CURRENCY_NUMBERS.has(text), 'not iso4217'),
  iso5218: unless(text => /^[0129]$/.test(text), 'invalid biological sex code'),
  latitude: upTo(1_800_000_000, 'invalid latitude'),
  longitude: upTo(3_600_000_000, 'invalid longitude'),
  mediatype: unless(text => /^(0[1-9]|10|[89]\d)$/.test(text), 'invalid media type'),
  mi: upTo(59, 'illegal minute'),
  nonzero: digitsThen(unless(text => /[1-9]/.test(text), 'illegal zero value')),
  nozeroprefix: unless(text => !text.startsWith('0'), 'illegal zero prefix'),
  packagetype: unless(text => PACKAGE_TYPES.has(text), 'invalid package type'),
  pcenc: unless(text => !/%(?![0-9A-Fa-f]{2})/.test(text), 'invalid percent sequence'),
  pieceoftotal: digitsThen(pieceoftotal),
  posinseqslash,
  ss: upTo(59, 'illegal second'),
  winding: unless(text => /^[019]$/.test(text), 'invalid winding direction'),
  yesno: unless(text => /^[01]$/.test(text), 'not zero or one'),
  yymmd0: lintYymmd0,
  yymmdd: withDay(lintYymmd0),
  yyyymmdd: withDay(lintYyyymmd0),
  zero: unless(text => /^0*$/.test(text), 'not zero'),
} as const satisfies Readonly<Record<string, Linter>>

export type LinterName = keyof typeof LINTERS

export function isLinterName(name: string): name is LinterName {
  return Object.hasOwn(LINTERS, name)
}
