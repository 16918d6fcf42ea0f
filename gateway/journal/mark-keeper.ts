import type { Clock } from '../core/clock.js'
import { messageOf } from '../core/errors.js'
import type { Logger } from '../core/log.js'
import { type HighWaterMark, MARKED_EPOCHS, writeMark } from './high-water-mark.js'
import type { Journal } from './journal.js'

/** A mark costs two fsyncs. What is appended within this time of a crash may be ahead of it. */
const EVERY_MS = 1000

/** Writes the high-water mark: once a second where the journal has changed, and at the end. */
export class MarkKeeper {
  readonly #options: {
    readonly journal: Journal
    readonly path: string
    /** A damaged record was met. */
    readonly isSuspect: () => boolean
    readonly clock: Clock
    readonly logger: Logger
  }
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  #written = ''
  #isFailing = false

  constructor(options: {
    readonly journal: Journal
    readonly path: string
    readonly isSuspect: () => boolean
    readonly clock: Clock
    readonly logger: Logger
  }) {
    this.#options = options
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** The last mark says all that the journal holds, if nothing is appended after this. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    await this.#write()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await this.#write()
      await this.#options.clock.sleep(EVERY_MS, signal)
    }
  }

  /** Never rejects: an older mark is as true, and shows less. */
  async #write(): Promise<void> {
    const { path, logger } = this.#options
    const mark = this.#mark()
    const text = JSON.stringify(mark)
    if (text === this.#written) return
    try {
      await writeMark(path, mark)
      this.#written = text
      this.#isFailing = false
    } catch (thrown) {
      if (!this.#isFailing)
        logger.warn({ reason: messageOf(thrown) }, "the journal's mark is not written")
      this.#isFailing = true
    }
  }

  #mark(): HighWaterMark {
    const { journal, isSuspect } = this.#options
    const epochs = journal.epochs().map(({ epoch, first, last }) => ({ epoch, first, last }))
    return {
      v: 1,
      epochs: epochs.slice(-MARKED_EPOCHS),
      head: journal.end.head,
      suspect: isSuspect(),
    }
  }
}
