import { type Clock, systemClock } from '../../gateway/core/clock.js'

/** The machine's clock, set forward. */
export function clockAhead(ms: number): Clock {
  return { ...systemClock, wallMs: () => systemClock.wallMs() + ms }
}
