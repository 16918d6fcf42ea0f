import type { Clock } from '../core/clock.js'
import { messageOf } from '../core/errors.js'
import type { EpochId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import type { Logger } from '../core/log.js'
import { isDamage } from './failure.js'
import type { EpochExtent, Journal } from './journal.js'

/**
 * Reads the whole journal once a day, a little at a time: a read that meets damage names it. The
 * first time is soon after the start, for a power cut may have been the end of the last run.
 */
export class Scrub {
  readonly #options: {
    readonly journal: Journal
    readonly clock: Clock
    readonly logger: Logger
  }
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined

  constructor(options: {
    readonly journal: Journal
    readonly clock: Clock
    readonly logger: Logger
  }) {
    this.#options = options
  }

  start(): void {
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    const { journal, clock, logger } = this.#options
    while (!signal.aborted) {
      try {
        const seen = { records: 0, lost: 0 }
        for (const extent of journal.epochs()) await this.#read(extent, seen)
        if (!signal.aborted) logger.info(seen, 'the journal was read through')
      } catch (thrown) {
        logger.warn({ reason: messageOf(thrown) }, 'the journal was not read through')
      }
      await clock.sleep(LIMITS.scrubEveryMs, signal)
    }
  }

  async #read(
    { epoch, first, last }: EpochExtent,
    seen: { records: number; lost: number },
  ): Promise<void> {
    const { signal } = this.#stopping
    for (let next = first; next <= last && !signal.aborted; ) {
      const count = await this.#slice(epoch, next, last)
      seen.records += count
      if (count === 0) seen.lost += 1
      // Lost records, one after another, cost next to nothing.
      else await this.#options.clock.sleep(LIMITS.scrubPauseMs, signal)
      // What was trimmed meanwhile is as good as read.
      const now = this.#options.journal.epochs().find(extent => extent.epoch === epoch)
      next = Math.max(next + Math.max(count, 1), now?.first ?? last + 1)
    }
  }

  /** How many records were read; none where the first is damaged, or gone. */
  async #slice(epoch: EpochId, first: number, last: number): Promise<number> {
    try {
      const range = { epoch, first, last, maxBytes: LIMITS.scrubSliceBytes }
      return (await this.#options.journal.read(range)).records.length
    } catch (thrown) {
      if (isDamage(thrown)) return 0
      throw thrown
    }
  }
}
