import { fail, ok, type Result } from '../core/result.js'

/** `1250` with 2 implied places is `12.50`; a leading minus stays in front. */
export function placePoint(digits: string, places: number): Result<string, string> {
  const [, sign = '', whole = ''] = /^(-?)(\d{1,15})$/.exec(digits) ?? []
  if (whole === '') return fail('digits only')
  const padded = whole.padStart(places + 1, '0')
  const split = padded.length - places
  const trimmed = padded.slice(0, split).replace(/^0+(?=\d)/, '')
  return ok(sign + (places === 0 ? trimmed : `${trimmed}.${padded.slice(split)}`))
}

/** `12.50` written with 2 implied places is `1250`; fails on any other number of decimals. */
export function removePoint(text: string, places: number): Result<string, string> {
  const [, sign = '', whole, fraction = ''] = /^(-?)(\d{1,15})(?:\.(\d{1,9}))?$/.exec(text) ?? []
  if (whole === undefined || fraction.length !== places) return fail(`${places} decimals`)
  return ok(sign + whole + fraction)
}
