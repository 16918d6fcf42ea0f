import { rfc3339 } from '../core/clock.js'

const DAY_MS = 24 * 60 * 60 * 1000

/**
 * RFC 3339 of the local time a terminal printed, with the offset that `timeZone` had then. Of an
 * hour that the clocks repeat, the first; in an hour they skip, the offset before it.
 */
export function localToRfc3339(local: {
  /** `YYYY-MM-DD` */
  readonly date: string
  /** `HH:MM:SS`, and the terminal's own offset from UTC where it says one. */
  readonly time: string
  /** IANA name. */
  readonly timeZone: string
}): string {
  const printed = `${local.date}T${local.time}`
  if (/[Z+-]/.test(local.time)) return rfc3339(Date.parse(printed), local.timeZone)
  const asUtcMs = Date.parse(`${printed}Z`)
  const candidates = [asUtcMs - DAY_MS, asUtcMs + DAY_MS].map(nearMs =>
    rfc3339(asUtcMs - offsetMs(nearMs, local.timeZone), local.timeZone),
  )
  const [before = ''] = candidates
  return candidates.find(text => text.startsWith(printed)) ?? before
}

function offsetMs(wallMs: number, timeZone: string): number {
  const written = rfc3339(wallMs, timeZone)
  return Date.parse(`${written.slice(0, 23)}Z`) - wallMs
}
