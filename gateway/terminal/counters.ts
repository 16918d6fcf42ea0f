import type { LinkCounter } from '../line/link/link.js'

/** What is counted of one terminal, since the process started. */
export interface Counters {
  readonly framesTotal: number
  readonly eventsTotal: number
  readonly rejectedTotal: number
  readonly discardedBytes: number
  readonly nakTotal: number
  /** Bursts of bytes that made no frame: noise, or a frame that was damaged on its way. */
  readonly burstTotal: number
  /** Messages said once more: an answer did not reach the terminal. */
  readonly repeatTotal: number
  /** Requests that the terminal did not answer in time. */
  readonly timeoutTotal: number
}

export const NOTHING_COUNTED: Counters = {
  framesTotal: 0,
  eventsTotal: 0,
  rejectedTotal: 0,
  discardedBytes: 0,
  nakTotal: 0,
  burstTotal: 0,
  repeatTotal: 0,
  timeoutTotal: 0,
}

export function counted(before: Counters, more: Partial<Counters>): Counters {
  return {
    framesTotal: before.framesTotal + (more.framesTotal ?? 0),
    eventsTotal: before.eventsTotal + (more.eventsTotal ?? 0),
    rejectedTotal: before.rejectedTotal + (more.rejectedTotal ?? 0),
    discardedBytes: before.discardedBytes + (more.discardedBytes ?? 0),
    nakTotal: before.nakTotal + (more.nakTotal ?? 0),
    burstTotal: before.burstTotal + (more.burstTotal ?? 0),
    repeatTotal: before.repeatTotal + (more.repeatTotal ?? 0),
    timeoutTotal: before.timeoutTotal + (more.timeoutTotal ?? 0),
  }
}

/** What one event of the link counts. */
export function countOf(counter: LinkCounter): Partial<Counters> {
  switch (counter) {
    case 'nak':
      return { nakTotal: 1 }
    case 'repeat':
      return { repeatTotal: 1 }
    case 'timeout':
      return { timeoutTotal: 1 }
    case 'late':
      return {}
  }
}
