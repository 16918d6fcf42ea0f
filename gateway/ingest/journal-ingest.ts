import { type ErrorCode, TillbridgeError } from '../core/errors.js'
import type { Logger } from '../core/log.js'
import { dataDigest, type Event } from '../event/event.js'
import { mayRepeat } from '../event/may-repeat.js'
import type { FragmentChange, Journal } from '../journal/journal.js'

/**
 * Failures that mean "not now" or "not this": nothing was kept. Others are defects and are thrown.
 */
const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'TB_JOURNAL_WRITE',
  'TB_JOURNAL_FULL',
  'TB_JOURNAL_LOW',
  'TB_JOURNAL_UNREADABLE',
  'TB_JOURNAL_CLOSED',
  'TB_EVENT_TOO_LARGE',
])

/**
 * Events from terminals into the journal. Where a terminal has no numbers and says again what it
 * said last, the event is flagged `possiblerepeat` and kept: two identical bananas are two sales.
 */
export class JournalIngest {
  readonly #journal: Journal
  readonly #logger: Logger

  constructor(options: { readonly journal: Journal; readonly logger: Logger }) {
    this.#journal = options.journal
    this.#logger = options.logger
  }

  /**
   * What the journal keeps of a source's message that is not whole yet; nothing where it cannot
   * say so now.
   */
  async fragments(source: string): Promise<readonly Uint8Array[] | undefined> {
    try {
      return await this.#journal.fragments(source)
    } catch (thrown) {
      if (thrown instanceof TillbridgeError && REFUSALS.has(thrown.code)) return undefined
      throw thrown
    }
  }

  /**
   * Resolves when the events, and what is kept of a message that is not whole yet, would survive a
   * power cut, or names why they were not taken.
   */
  async ingest(
    events: readonly Event[],
    fragments?: FragmentChange,
  ): Promise<
    | { readonly type: 'journaled' | 'duplicate' }
    | { readonly type: 'refused'; readonly code: ErrorCode; readonly reason: string }
  > {
    try {
      const flagged = await Promise.all(events.map(event => this.#flagged(event)))
      const outcomes = await this.#journal.append(flagged, fragments)
      for (const [index, outcome] of outcomes.entries())
        if (outcome === 'conflict') this.#warn(flagged[index])
      const isKnown = outcomes.length > 0 && outcomes.every(outcome => outcome === 'duplicate')
      return { type: isKnown ? 'duplicate' : 'journaled' }
    } catch (thrown) {
      if (thrown instanceof TillbridgeError && REFUSALS.has(thrown.code))
        return { type: 'refused', code: thrown.code, reason: thrown.message }
      throw thrown
    }
  }

  async #flagged(event: Event): Promise<Event> {
    if (!mayRepeat(event)) return event
    const latest = await this.#journal.latestDigest(event.source)
    return latest === dataDigest(event) ? { ...event, possiblerepeat: true } : event
  }

  #warn(event: Event | undefined): void {
    const { source, id, subject } = event ?? {}
    this.#logger.warn({ source, id, subject }, 'two events claim one key; both are kept')
  }
}
