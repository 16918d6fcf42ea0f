import { fail, ok, type Result } from '../core/result.js'

/** How a terminal writes a day. Two-digit years are of this century. */
export const DATE_FORMATS = [
  'YYYYMMDD',
  'YYMMDD',
  'DDMMYYYY',
  'DDMMYY',
  'YYYY-MM-DD',
  'DD.MM.YYYY',
  'DD.MM.YY',
  'DD/MM/YYYY',
  'MM/DD/YYYY',
] as const
export type DateFormat = (typeof DATE_FORMATS)[number]

export const TIME_FORMATS = ['HHMMSS', 'HHMM', 'HH:MM:SS', 'HH:MM'] as const
export type TimeFormat = (typeof TIME_FORMATS)[number]

/** The day as ISO 8601 `YYYY-MM-DD`; fails on a day that no calendar has. */
export function readDate(text: string, format: DateFormat): Result<string, string> {
  if (!isWrittenAs(text, format)) return fail(`a date ${format}`)
  const part = (letter: string) =>
    text.slice(format.indexOf(letter), format.lastIndexOf(letter) + 1)
  const year = format.includes('YYYY') ? part('Y') : `20${part('Y')}`
  return isCalendarDay({ year: Number(year), month: Number(part('M')), day: Number(part('D')) })
    ? ok(`${year}-${part('M')}-${part('D')}`)
    : fail('a day of the calendar')
}

/** A digit for each letter, and every other sign in its place. */
function isWrittenAs(text: string, format: string): boolean {
  return (
    text.length === format.length &&
    [...format].every((sign, at) =>
      /[A-Z]/.test(sign) ? /\d/.test(text.charAt(at)) : text.charAt(at) === sign,
    )
  )
}

export function writeDate(iso: string, format: DateFormat): Result<string, string> {
  const [, year = '', month = '', day = ''] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(iso) ?? []
  if (year === '') return fail('a day YYYY-MM-DD')
  const longYear = format.includes('YYYY')
  if (!longYear && !year.startsWith('20')) return fail('a year of this century')
  return ok(
    format
      .replace(/Y+/, longYear ? year : year.slice(2))
      .replace('MM', month)
      .replace('DD', day),
  )
}

/** The time of day as `HH:MM:SS`; without seconds in the format they are zero. */
export function readTime(text: string, format: TimeFormat): Result<string, string> {
  if (!isWrittenAs(text, format)) return fail(`a time ${format}`)
  const [hours = '', minutes = '', seconds = '00'] = text.match(/\d\d/g) ?? []
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59)
    return fail('a time of the day')
  return ok(`${hours}:${minutes}:${seconds}`)
}

export function writeTime(text: string, format: TimeFormat): Result<string, string> {
  const [, hours = '', minutes = '', seconds = ''] = /^(\d\d):(\d\d):(\d\d)$/.exec(text) ?? []
  if (hours === '') return fail('a time HH:MM:SS')
  return ok(format.replace('HH', hours).replace('MM', minutes).replace('SS', seconds))
}

export function isCalendarDay(date: {
  readonly year: number
  readonly month: number
  readonly day: number
}): boolean {
  const { year, month, day } = date
  const days = new Date(Date.UTC(year, month, 0)).getUTCDate()
  return month >= 1 && month <= 12 && day >= 1 && day <= days
}
