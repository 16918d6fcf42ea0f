import type { Clock } from '../core/clock.js'
import { messageOf } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { Logger } from '../core/log.js'
import type { Journal } from './journal.js'
import type { JournalSpace } from './space.js'

/** How it stands with the disk, for alarms and status. */
export interface SpaceReport {
  readonly journalBytes: number
  readonly quotaBytes: number
  /** What the journal may still grow by, with what it would give up first counted in. */
  readonly roomBytes: number
  /** How long that lasts at the rate measured; absent before it is known. */
  readonly autonomyHours?: number
  /** Only money is taken any more. */
  readonly isLow: boolean
  /** Why nothing is taken any more. */
  readonly refusal?: string
}

/** Looks after the journal's disk: gives up what may go early, heals, keeps the reserve. */
export class SpaceKeeper {
  readonly #journal: Journal
  readonly #space: JournalSpace
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #onReport: (report: SpaceReport) => void
  #complaint = ''

  constructor(options: {
    readonly journal: Journal
    readonly space: JournalSpace
    readonly clock: Clock
    readonly logger: Logger
    readonly onReport: (report: SpaceReport) => void
  }) {
    this.#journal = options.journal
    this.#space = options.space
    this.#clock = options.clock
    this.#logger = options.logger
    this.#onReport = options.onReport
  }

  get report(): SpaceReport {
    const { journalBytes, quotaBytes, roomBytes, spareBytes, bytesPerHour } = this.#space.figures
    const { records, trimmable, refusal } = this.#journal.statistics()
    const goingBytes = records === 0 ? 0 : Math.floor((journalBytes * trimmable) / records)
    const leftBytes = Math.max(0, Math.floor(roomBytes)) + goingBytes
    const reason = refusal ?? (roomBytes > 0 ? undefined : 'no room is left')
    return {
      journalBytes,
      quotaBytes,
      roomBytes: leftBytes,
      ...(bytesPerHour === undefined ? {} : { autonomyHours: hoursOf(leftBytes, bytesPerHour) }),
      isLow: spareBytes <= 0,
      ...(reason === undefined ? {} : { refusal: reason }),
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#keep()
      this.#onReport(this.report)
      await this.#clock.sleep(LIMITS.spaceLookMs, signal)
    }
  }

  async #keep(): Promise<void> {
    try {
      await this.#space.look()
      const { shortfallBytes } = this.#space.figures
      const isHurt = this.#journal.statistics().refusal !== undefined
      if (shortfallBytes > 0 || isHurt) await this.#relieve(shortfallBytes)
      await this.#space.keepReserve()
      this.#complaint = ''
    } catch (thrown) {
      const reason = messageOf(thrown)
      if (reason !== this.#complaint) this.#logger.error({ reason }, 'the disk is not looked after')
      this.#complaint = reason
    }
  }

  async #relieve(shortfallBytes: number): Promise<void> {
    const { records } = this.#journal.statistics()
    const { journalBytes } = this.#space.figures
    const wanted = journalBytes === 0 ? 0 : Math.ceil((records * shortfallBytes) / journalBytes)
    const gone = await this.#journal.relieve(Math.min(wanted, records))
    if (gone === 0) return
    await this.#space.look()
    this.#logger.warn({ records: gone, ...this.#space.figures }, 'given up for want of room')
  }
}

function hoursOf(bytes: number, bytesPerHour: number): number {
  if (bytesPerHour <= 0) return LIMITS.autonomyHours
  return Math.min(LIMITS.autonomyHours, Math.floor(bytes / bytesPerHour))
}
