import { type Clock, rfc3339 } from '../core/clock.js'
import { newEventId, type StoreId, terminalId } from '../core/ids.js'
import type { Logger } from '../core/log.js'
import type { Random } from '../core/random.js'
import { SerialQueue } from '../core/serial-queue.js'
import { type ClockState, type Event, GATEWAY_TERMINAL } from '../event/event.js'
import type { AlarmName } from '../event/gateway-alarm.js'
import { makeEvent } from '../event/make-event.js'

/** An alarm that stands: since when, and why. */
export interface StandingAlarm {
  readonly alarm: AlarmName
  /** RFC 3339. */
  readonly since: string
  readonly reason: string
}

export interface AlarmLogOptions {
  /** False where the event was not taken; it is offered again at the next `retry`. */
  readonly journal: (event: Event) => Promise<boolean>
  readonly store: StoreId
  readonly timeZone: string
  readonly clock: Clock
  readonly random: Random
  readonly clockState: () => ClockState
  readonly logger: Logger
}

const REASON_CHARACTERS = 200

/**
 * The alarms that stand, for the status; each change is one `gateway.alarm` in the journal and one
 * line in the log, however often a room says the same.
 */
export class AlarmLog {
  readonly #options: AlarmLogOptions
  readonly #standing = new Map<AlarmName, StandingAlarm>()
  readonly #queue = new SerialQueue()
  #unjournaled: readonly Event[] = []

  constructor(options: AlarmLogOptions) {
    this.#options = options
  }

  get standing(): readonly StandingAlarm[] {
    return [...this.#standing.values()]
  }

  raise(alarm: AlarmName, text: string): void {
    const reason = text.slice(0, REASON_CHARACTERS)
    const { clock, timeZone, logger } = this.#options
    const before = this.#standing.get(alarm)
    const since = before?.since ?? rfc3339(clock.wallMs(), timeZone)
    this.#standing.set(alarm, { alarm, since, reason })
    if (before !== undefined) return
    logger.error({ alarm, reason }, 'alarm')
    this.#note(alarm, 'raised', reason)
  }

  clear(alarm: AlarmName): void {
    const before = this.#standing.get(alarm)
    if (before === undefined) return
    this.#standing.delete(alarm)
    this.#options.logger.info({ alarm, since: before.since }, 'alarm cleared')
    this.#note(alarm, 'cleared', before.reason)
  }

  /** Offers again what the journal did not take: a full disk refuses its own alarm. */
  retry(): Promise<void> {
    return this.#queue.run(async () => {
      while (this.#unjournaled[0] !== undefined) {
        if (!(await this.#options.journal(this.#unjournaled[0]))) return
        this.#unjournaled = this.#unjournaled.slice(1)
      }
    })
  }

  #note(alarm: AlarmName, state: 'raised' | 'cleared', reason: string): void {
    const { store, timeZone, clock, random, clockState } = this.#options
    const event = makeEvent({
      type: 'gateway.alarm',
      data: { alarm, state, reason },
      id: newEventId(clock, random),
      store,
      terminal: terminalId(GATEWAY_TERMINAL),
      wallMs: clock.wallMs(),
      timeZone,
      clockState: clockState(),
    })
    this.#unjournaled = [...this.#unjournaled, event]
    void this.retry()
  }
}
