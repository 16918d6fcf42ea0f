import { rfc3339 } from './clock.js'

/**
 * Whether a moment lies within hours of the shop's day (`22:00-05:00` goes over midnight); its
 * first minute does, its last does not.
 */
export function isWithinHours(hours: string, wallMs: number, timeZone: string): boolean {
  const [from = '', until = ''] = hours.split('-')
  const time = rfc3339(wallMs, timeZone).slice(11, 16)
  return from <= until ? from <= time && time < until : from <= time || time < until
}
