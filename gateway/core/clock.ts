import { setTimeout as delay } from 'node:timers/promises'

/**
 * Milliseconds since an arbitrary start that only ever grow; survive any step of the wall clock.
 */
export type MonotonicMs = number

/** Time as the rooms see it: injected, so that a simulated night of outage takes milliseconds. */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC. May jump: never order or time anything by it. */
  wallMs(): number
  monotonicMs(): MonotonicMs
  /** Resolves after `ms`, or at once when the signal aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Calls back once after `ms`; the returned function cancels. */
  after(ms: number, callback: () => void): () => void
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  // Counts from the boot, not from the process as `performance.now` does: headers of two processes
  // on one boot stay comparable.
  monotonicMs: () => Number(process.hrtime.bigint() / 1000n) / 1000,
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined)
  },
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
}

/** Building a formatter takes as long as a hundred uses of one; there are few time zones. */
const offsetFormats = new Map<string, Intl.DateTimeFormat>()

function offsetFormat(timeZone: string): Intl.DateTimeFormat {
  const known = offsetFormats.get(timeZone)
  if (known !== undefined) return known
  const made = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
  offsetFormats.set(timeZone, made)
  return made
}

interface Offset {
  readonly quarter: number
  readonly sign: string
  readonly hours: string
  readonly minutes: string
  readonly offsetMs: number
}

const QUARTER_MS = 15 * 60_000
/** The newest of each zone: since 1973 offsets have changed at whole quarters of an hour only. */
const offsets = new Map<string, Offset>()

function offsetAt(wallMs: number, timeZone: string): Offset {
  const quarter = Math.floor(wallMs / QUARTER_MS)
  const known = offsets.get(timeZone)
  if (known?.quarter === quarter) return known
  const parts = offsetFormat(timeZone).formatToParts(wallMs)
  const name = parts.find(part => part.type === 'timeZoneName')?.value ?? ''
  const [, sign = '+', hours = '00', minutes = '00'] = /([+-])(\d\d):(\d\d)/.exec(name) ?? []
  const offsetMs = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
  const offset = { quarter, sign, hours, minutes, offsetMs }
  offsets.set(timeZone, offset)
  return offset
}

/**
 * RFC 3339 with the offset of `timeZone` (an IANA name), as CloudEvents `time` wants it:
 * `2026-11-22T18:22:05.123+01:00`.
 */
export function rfc3339(wallMs: number, timeZone: string): string {
  const { sign, hours, minutes, offsetMs } = offsetAt(wallMs, timeZone)
  const local = new Date(wallMs + offsetMs).toISOString().slice(0, -1)
  return offsetMs === 0 ? `${local}Z` : `${local}${sign}${hours}:${minutes}`
}
