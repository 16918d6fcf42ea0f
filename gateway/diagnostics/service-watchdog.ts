import type { Clock } from '../core/clock.js'
import { LIMITS } from '../core/limits.js'
import type { Logger } from '../core/log.js'
import type { ServiceManager } from '../core/service-manager.js'

/**
 * Tells the service manager that the shop sells, and gives it a sign of life as often as it wants
 * one. What a new start may heal keeps the sign back: an event loop that stands still cannot send
 * it, and while an event waits too long for the disk it is not sent. A full disk, and lines on
 * which nobody speaks, are no reason to start anew: those are in /healthz and in the alarms.
 */
export class ServiceWatchdog {
  readonly #manager: ServiceManager
  readonly #journalMs: () => number
  readonly #clock: Clock
  readonly #logger: Logger

  constructor(options: {
    readonly manager: ServiceManager
    /** How long an event has waited for the disk. */
    readonly journalMs: () => number
    readonly clock: Clock
    readonly logger: Logger
  }) {
    this.#manager = options.manager
    this.#journalMs = options.journalMs
    this.#clock = options.clock
    this.#logger = options.logger
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#manager.tell('READY=1')
    const { watchdogMs } = this.#manager
    while (!signal.aborted && watchdogMs !== undefined) {
      this.#signOfLife()
      await this.#clock.sleep(watchdogMs / 3, signal)
    }
    if (!signal.aborted)
      await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
    this.#manager.tell('STOPPING=1')
  }

  #signOfLife(): void {
    const waitingMs = Math.round(this.#journalMs())
    if (waitingMs < LIMITS.healthJournalMs) this.#manager.tell('WATCHDOG=1')
    else this.#logger.error({ waitingMs }, 'an event waits for the disk: no sign of life')
  }
}
