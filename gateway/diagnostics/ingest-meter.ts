import type { Clock, MonotonicMs } from '../core/clock.js'
import type { EventType } from '../event/catalog.js'
import type { Event } from '../event/event.js'

/** Times how long what terminals say takes to be durable, and counts what it was. */
export class IngestMeter {
  readonly #clock: Clock
  readonly #waiting = new Set<{ readonly sinceMs: MonotonicMs }>()
  readonly #counts = new Map<string, number>()
  #onTimed: ((terminal: string, tookMs: number) => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Called for each message of a terminal once it is settled. */
  onTimed(listener: (terminal: string, tookMs: number) => void): void {
    this.#onTimed = listener
  }

  /** How long the one has waited that waits longest; 0 where none does. */
  get waitingMs(): number {
    const nowMs = this.#clock.monotonicMs()
    return Math.max(0, ...[...this.#waiting].map(({ sinceMs }) => nowMs - sinceMs))
  }

  /** Events of this type that the terminal said since the start, repeats among them. */
  countOf(terminal: string, type: EventType): number {
    return this.#counts.get(`${terminal} ${type}`) ?? 0
  }

  async measured<Outcome>(
    terminal: string,
    events: readonly Event[],
    work: () => Promise<Outcome>,
  ): Promise<Outcome> {
    for (const { type } of events) {
      const name = `${terminal} ${type}`
      this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
    }
    const waiting = { sinceMs: this.#clock.monotonicMs() }
    this.#waiting.add(waiting)
    try {
      return await work()
    } finally {
      this.#waiting.delete(waiting)
      this.#onTimed?.(terminal, this.#clock.monotonicMs() - waiting.sinceMs)
    }
  }
}
