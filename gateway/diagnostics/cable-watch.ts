import type { Clock } from '../core/clock.js'
import type { AlarmLog } from './alarm-log.js'
import { type CableTrend, type LineCounts, NEW_CABLE, nextTrend, trendText } from './cable-trend.js'

/** What one terminal's session counts. */
export interface CountedLine {
  readonly terminal: string
  readonly state: string
  readonly framesTotal: number
  readonly burstTotal: number
  readonly repeatTotal: number
  readonly timeoutTotal: number
}

const LOOK_MS = 60_000

interface Watched {
  readonly counted: LineCounts
  readonly trend: CableTrend
  readonly connectedMinutes: number
}

/** Looks at every line once a minute, and names by an alarm the cables that begin to fail. */
export class CableWatch {
  readonly #lines: () => readonly CountedLine[]
  readonly #alarms: Pick<AlarmLog, 'raise' | 'clear'>
  readonly #clock: Clock
  readonly #watched = new Map<string, Watched>()

  constructor(options: {
    readonly lines: () => readonly CountedLine[]
    readonly alarms: Pick<AlarmLog, 'raise' | 'clear'>
    readonly clock: Clock
  }) {
    this.#lines = options.lines
    this.#alarms = options.alarms
    this.#clock = options.clock
  }

  trendOf(terminal: string): CableTrend {
    return this.#watched.get(terminal)?.trend ?? NEW_CABLE
  }

  /** Time that its line was of use, since the gateway's start. */
  connectedHours(terminal: string): number {
    return Math.floor((this.#watched.get(terminal)?.connectedMinutes ?? 0) / 60)
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(LOOK_MS, signal)
      if (!signal.aborted) this.#look()
    }
  }

  #look(): void {
    for (const line of this.#lines()) this.#note(line)
    const failing = [...this.#watched].filter(([, { trend }]) => trend.state === 'failing')
    const named = failing.map(([terminal, { trend }]) => `${terminal}: ${trendText(trend)}`)
    if (named.length === 0) this.#alarms.clear('cable-failing')
    else this.#alarms.raise('cable-failing', `look after cable and plugs; ${named.join('; ')}`)
  }

  /** A terminal that is off answers nothing: that says nothing of its cable. */
  #note(line: CountedLine): void {
    const isConnected = line.state === 'connected'
    const bad = line.burstTotal + line.repeatTotal + line.timeoutTotal
    const counted = { good: line.framesTotal, bad }
    const before = this.#watched.get(line.terminal) ?? {
      counted,
      trend: NEW_CABLE,
      connectedMinutes: 0,
    }
    const minute = { good: counted.good - before.counted.good, bad: bad - before.counted.bad }
    this.#watched.set(line.terminal, {
      counted,
      trend: isConnected ? nextTrend(before.trend, minute) : before.trend,
      connectedMinutes: before.connectedMinutes + (isConnected ? 1 : 0),
    })
  }
}
