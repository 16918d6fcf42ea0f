import type { Clock, MonotonicMs } from '../core/clock.js'
import { newEventId, type StoreId, terminalId } from '../core/ids.js'
import type { Logger } from '../core/log.js'
import type { Random } from '../core/random.js'
import { type ClockState, type Event, type EventOf, GATEWAY_TERMINAL } from '../event/event.js'
import { makeEvent } from '../event/make-event.js'

/** How often the clock is looked at: a record between a jump and its note is at most this old. */
const LOOK_MS = 1_000
/** A smaller difference between the clocks is none: they are not read at the same instant. */
const STEP_MS = 1_000
/** Longer between two readings, and a jump could not be told from a wait. */
const READ_MS = 100

export interface ClockWatchOptions {
  /** False where the event was not taken; it is offered again at the next look. */
  readonly journal: (event: Event) => Promise<boolean>
  readonly store: StoreId
  readonly timeZone: string
  readonly clock: Clock
  readonly random: Random
  readonly clockState: () => ClockState
  readonly logger: Logger
}

/** What the clock was found to be wrong by, last. */
export interface ClockCorrection extends Pick<EventOf<'clock.corrected'>, 'time'> {
  readonly offsetMs: number
  readonly cause: EventOf<'clock.corrected'>['data']['cause']
}

/**
 * Watches the wall clock against the monotonic one. When a time service begins to vouch for it, and
 * whenever it jumps by more than a second, one `clock.corrected` says by how much; nothing is
 * rewritten. A machine that slept looks like one whose clock jumped: its monotonic clock stood.
 */
export class ClockWatch {
  readonly #options: ClockWatchOptions
  #state: ClockState
  #aheadMs: number
  #unjournaled: readonly Event[] = []
  #latest: ClockCorrection | undefined

  constructor(options: ClockWatchOptions) {
    this.#options = options
    const { clock, clockState } = options
    this.#state = clockState()
    this.#aheadMs = clock.wallMs() - clock.monotonicMs()
  }

  /** Since the gateway started; nothing where the clock was right all the time. */
  get latest(): ClockCorrection | undefined {
    return this.#latest
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    while (!signal.aborted) {
      this.#look()
      await this.#journal()
      await clock.sleep(LOOK_MS, signal)
    }
  }

  #look(): void {
    const { clock, clockState } = this.#options
    const monotonicMs = clock.monotonicMs()
    const wallMs = clock.wallMs()
    if (clock.monotonicMs() - monotonicMs > READ_MS) return
    const state = clockState()
    const isSynced = this.#state === 'unsure' && state === 'synced'
    const offsetMs = Math.round(wallMs - monotonicMs - this.#aheadMs)
    this.#state = state
    if (!isSynced && Math.abs(offsetMs) <= STEP_MS) return
    this.#aheadMs = wallMs - monotonicMs
    this.#note({ wallMs, monotonicMs, offsetMs, cause: isSynced ? 'synced' : 'stepped' })
  }

  #note(found: {
    readonly wallMs: number
    readonly monotonicMs: MonotonicMs
    readonly offsetMs: number
    readonly cause: ClockCorrection['cause']
  }): void {
    const { store, timeZone, clock, random, logger } = this.#options
    const { wallMs, offsetMs, cause } = found
    const event = makeEvent({
      type: 'clock.corrected',
      data: { cause, offsetMs, monotonicMs: Math.floor(found.monotonicMs) },
      id: newEventId(clock, random),
      store,
      terminal: terminalId(GATEWAY_TERMINAL),
      wallMs,
      timeZone,
      clockState: this.#state,
    })
    this.#latest = { time: event.time, offsetMs, cause }
    this.#unjournaled = [...this.#unjournaled, event]
    logger.warn({ offsetMs, cause, clock: this.#state }, 'the clock was corrected')
  }

  async #journal(): Promise<void> {
    for (const event of this.#unjournaled) {
      if (!(await this.#options.journal(event))) return
      this.#unjournaled = this.#unjournaled.slice(1)
    }
  }
}
