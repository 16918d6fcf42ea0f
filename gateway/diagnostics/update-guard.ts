import type { Clock, MonotonicMs } from '../core/clock.js'
import { LIMITS } from '../core/limits.js'
import type { Logger } from '../core/log.js'
import type { UpdateHold } from '../core/update-lock.js'
import type { AlarmLog } from './alarm-log.js'

/** How often it is looked whether the shop is in the middle of something. */
const LOOK_MS = 1_000

interface Hold {
  readonly reason: string
  readonly sinceMs: MonotonicMs
}

export interface UpdateGuardOptions {
  readonly lock: { readonly isSupervisors: boolean; take(): UpdateHold; release(): void }
  /** Whether an update may come at this hour at all. */
  readonly isQuiet: () => boolean
  /** Why the shop is in the middle of something, as of now. */
  readonly reasons: () => readonly string[]
  readonly alarms: Pick<AlarmLog, 'raise' | 'clear'>
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Keeps updates away while one would cost the shop something. A reason that stands for longer than
 * it reasonably can no longer does, and rings: an update that never comes is a fault, too.
 */
export class UpdateGuard {
  readonly #options: UpdateGuardOptions
  readonly #holds = new Set<Hold>()
  #seen = new Map<string, Hold>()
  #state: UpdateHold | 'free' = 'free'
  #announcedMs: MonotonicMs | undefined

  constructor(options: UpdateGuardOptions) {
    this.#options = options
  }

  /** What an update waits for. */
  get heldFor(): readonly string[] {
    return this.#standing().map(({ reason }) => reason)
  }

  /** An update was announced a moment ago: this process is about to be stopped. */
  get isClosing(): boolean {
    const announcedMs = this.#announcedMs
    return announcedMs !== undefined && this.#sinceMs(announcedMs) < LIMITS.closingMs
  }

  /**
   * From before its first step until the function given back is called. What was said comes first:
   * where the supervisor is about to stop us, it is better not begun.
   */
  hold(reason: string): { readonly hold: UpdateHold; readonly release: () => void } {
    const hold = { reason, sinceMs: this.#options.clock.monotonicMs() }
    this.#holds.add(hold)
    this.#settle()
    const release = (): void => {
      this.#holds.delete(hold)
      this.#settle()
    }
    return { hold: this.#state === 'free' ? 'absent' : this.#state, release }
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, lock } = this.#options
    while (!signal.aborted) {
      this.#look()
      await clock.sleep(LOOK_MS, signal)
    }
    lock.release()
  }

  #look(): void {
    const { reasons, clock, alarms } = this.#options
    const sinceMs = clock.monotonicMs()
    this.#seen = new Map(
      reasons().map(reason => [reason, this.#seen.get(reason) ?? { reason, sinceMs }]),
    )
    const tooLong = [...this.#all()].filter(each => this.#isTooLong(each))
    if (tooLong.length === 0) alarms.clear('update-held')
    else alarms.raise('update-held', tooLong.map(({ reason }) => reason).join(', '))
    this.#settle()
    this.#listen()
  }

  #listen(): void {
    const { lock, clock, logger } = this.#options
    if (!lock.isSupervisors) this.#announcedMs = undefined
    else if (this.#announcedMs === undefined) {
      this.#announcedMs = clock.monotonicMs()
      logger.info('an update is announced: terminals are told to wait')
    }
  }

  #all(): readonly Hold[] {
    return [...this.#holds, ...this.#seen.values()]
  }

  #standing(): readonly Hold[] {
    return this.#all().filter(each => !this.#isTooLong(each))
  }

  #isTooLong({ sinceMs }: Hold): boolean {
    return this.#sinceMs(sinceMs) >= LIMITS.updateHeldMs
  }

  #sinceMs(ms: MonotonicMs): number {
    return this.#options.clock.monotonicMs() - ms
  }

  #settle(): void {
    const { lock, isQuiet, logger } = this.#options
    const before = this.#state
    if (!isQuiet() || this.#standing().length > 0) this.#state = lock.take()
    else {
      lock.release()
      this.#state = 'free'
    }
    if (this.#state === before) return
    if (this.#state === 'forbidden') logger.error('the update lock cannot be taken')
    else logger.debug({ state: this.#state }, 'update lock')
  }
}
