import type { Clock, MonotonicMs } from '../core/clock.js'
import { LIMITS } from '../core/limits.js'
import type { ClockState } from '../event/event.js'
import type { AlarmLog } from './alarm-log.js'

/** What is known of the journal and its disk at one moment. */
export interface StorageCondition {
  readonly roomBytes: number
  /** How long the room lasts; absent while the rate is not known. */
  readonly autonomyHours?: number
  /** Only money is taken any more. */
  readonly isLow: boolean
  /** Why nothing is taken any more. */
  readonly refusal?: string
  /** `time` of the oldest event without a receipt. */
  readonly oldestUnconfirmed?: string
}

const HOUR_MS = 60 * 60 * 1000

/**
 * Alarms about room and backlog. Each is cleared well beyond the point where it was raised, so that
 * a value on the border does not ring again and again.
 */
export class StorageAlarms {
  readonly #alarms: AlarmLog
  readonly #clock: Clock
  readonly #clockState: () => ClockState
  #oldest: { readonly time: string; readonly sinceMs: MonotonicMs } | undefined

  constructor(options: {
    readonly alarms: AlarmLog
    readonly clock: Clock
    readonly clockState: () => ClockState
  }) {
    this.#alarms = options.alarms
    this.#clock = options.clock
    this.#clockState = options.clockState
  }

  note(condition: StorageCondition): void {
    this.#noteFull(condition)
    this.#noteLow(condition)
    this.#noteBacklog(condition.oldestUnconfirmed)
  }

  #noteFull({ refusal, roomBytes }: StorageCondition): void {
    if (refusal !== undefined)
      this.#alarms.raise('disk-full', `terminals are told to wait: ${refusal}`)
    else if (roomBytes >= LIMITS.diskFloorBytes) this.#alarms.clear('disk-full')
  }

  #noteLow({ isLow, autonomyHours }: StorageCondition): void {
    const hours = autonomyHours ?? Number.POSITIVE_INFINITY
    const lasts = autonomyHours === undefined ? '' : `; room for ${autonomyHours} h`
    if (isLow) this.#alarms.raise('disk-low', `only money is still taken${lasts}`)
    else if (hours < LIMITS.alarmBelowHours) this.#alarms.raise('disk-low', `room for ${hours} h`)
    else if (hours >= LIMITS.alarmOverHours) this.#alarms.clear('disk-low')
  }

  /** A till may claim any time: what it claims counts once it has waited for a while. */
  #noteBacklog(oldest: string | undefined): void {
    const nowMs = this.#clock.monotonicMs()
    if (oldest === undefined) {
      this.#oldest = undefined
      this.#alarms.clear('backlog-old')
      return
    }
    if (this.#oldest?.time !== oldest) this.#oldest = { time: oldest, sinceMs: nowMs }
    const hasWaited = nowMs - this.#oldest.sinceMs >= LIMITS.backlogSeenMs
    if (!hasWaited || this.#clockState() !== 'synced') return
    const hours = Math.floor((this.#clock.wallMs() - Date.parse(oldest)) / HOUR_MS)
    if (hours >= LIMITS.backlogOldHours)
      this.#alarms.raise('backlog-old', `HQ has confirmed nothing newer for ${hours} h`)
    else this.#alarms.clear('backlog-old')
  }
}
