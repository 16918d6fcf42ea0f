import type { Clock } from '../core/clock.js'
import { newEventId, type TerminalId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import type { Random } from '../core/random.js'
import { TokenBucket } from '../core/token-bucket.js'
import { EVENT_CATALOG } from '../event/catalog.js'
import { type ClockState, type Event, type EventData, encodeEvent } from '../event/event.js'
import { makeEvent } from '../event/make-event.js'
import type { FragmentChange, Journal } from '../journal/journal.js'
import { FactQuota } from './fact-quota.js'
import type { JournalIngest } from './journal-ingest.js'
import { Summary } from './summary.js'

type Outcome = Awaited<ReturnType<JournalIngest['ingest']>> | { readonly type: 'summarised' }

export interface FactIngestOptions {
  readonly ingest: JournalIngest
  readonly journal: Journal
  readonly clock: Clock
  readonly random: Random
  readonly clockState: () => ClockState
  readonly timeZone: string
  /** Told whenever another terminal begins or ends to say more than is kept. */
  readonly onBabbling: (terminals: readonly TerminalId[]) => void
}

/** One terminal's facts of one type. */
interface Stream {
  readonly terminal: TerminalId
  readonly bucket: TokenBucket
  readonly summary: Summary
  /** An interval of counting is under way. */
  cancelInterval: (() => void) | undefined
  /** It says more than is kept: not only while there is no room. */
  isBabbling: boolean
}

/**
 * In front of the journal: facts that a broken line repeats without end (class `limited`) are kept
 * up to a rate and an amount a terminal; beyond it, and where the disk has room for money alone,
 * they are counted, and one `event.summarised` an interval says so. Money passes untouched: a till
 * that sells fast is no babbler.
 */
export class FactIngest {
  readonly #options: FactIngestOptions
  readonly #streams = new Map<string, Stream>()
  readonly #quotas = new Map<string, FactQuota>()

  constructor(options: FactIngestOptions) {
    this.#options = options
  }

  /**
   * As `JournalIngest.ingest`. `summarised`: counted, not kept; the terminal is answered as if it
   * were kept, for nothing better would come of its saying so again.
   */
  async ingest(events: readonly Event[], fragments?: FragmentChange): Promise<Outcome> {
    const isLimited = events.every(({ type }) => EVENT_CATALOG[type].class === 'limited')
    if (isLimited && !events.every(event => this.#takes(event))) {
      const kept = fragments && (await this.#options.ingest.ingest([], fragments))
      return kept?.type === 'refused' ? kept : this.#count(events)
    }
    const outcome = await this.#options.ingest.ingest(events, fragments)
    if (outcome.type === 'refused' && outcome.code === 'TB_JOURNAL_LOW') return this.#count(events)
    if (isLimited && outcome.type === 'journaled')
      for (const event of events) this.#quotaOf(event).add(encodeEvent(event).length)
    return outcome
  }

  /** What was counted and not said yet is said now. */
  async stop(): Promise<void> {
    for (const { summary, cancelInterval } of this.#streams.values()) {
      cancelInterval?.()
      await summary.flush()
    }
  }

  #takes(event: Event): boolean {
    const stream = this.#streamOf(event)
    if (!this.#quotaOf(event).isUsedUp && stream.bucket.take()) return true
    this.#setBabbling(stream, true)
    return false
  }

  #count(events: readonly Event[]): Outcome {
    for (const event of events) {
      const stream = this.#streamOf(event)
      stream.summary.add(event)
      if (stream.cancelInterval === undefined) this.#beginInterval(stream)
    }
    return { type: 'summarised' }
  }

  /** One follows another until nothing was counted in one. */
  #beginInterval(stream: Stream): void {
    stream.cancelInterval = this.#options.clock.after(LIMITS.factSummaryMs, () => {
      void this.#endInterval(stream)
    })
  }

  async #endInterval(stream: Stream): Promise<void> {
    if (await stream.summary.flush()) return this.#beginInterval(stream)
    stream.cancelInterval = undefined
    this.#setBabbling(stream, false)
  }

  #setBabbling(stream: Stream, isBabbling: boolean): void {
    if (stream.isBabbling === isBabbling) return
    stream.isBabbling = isBabbling
    const babbling = [...this.#streams.values()].filter(one => one.isBabbling)
    this.#options.onBabbling([...new Set(babbling.map(({ terminal }) => terminal))])
  }

  #streamOf({ source, terminal, type }: Event): Stream {
    const key = `${source} ${type}`
    const known = this.#streams.get(key)
    if (known !== undefined) return known
    const stream: Stream = {
      terminal,
      bucket: new TokenBucket({
        clock: this.#options.clock,
        burst: LIMITS.factBurst,
        everyMs: LIMITS.factEveryMs,
      }),
      summary: new Summary((like, data) => this.#write(like, data)),
      cancelInterval: undefined,
      isBabbling: false,
    }
    this.#streams.set(key, stream)
    return stream
  }

  #quotaOf({ source }: Event): FactQuota {
    const known = this.#quotas.get(source) ?? new FactQuota(this.#options.journal)
    this.#quotas.set(source, known)
    return known
  }

  async #write(like: Event, data: EventData<'event.summarised'>): Promise<boolean> {
    const { ingest, clock, random, clockState, timeZone } = this.#options
    const { store, terminal } = like
    const event = makeEvent({
      type: 'event.summarised',
      data,
      id: newEventId(clock, random),
      store,
      terminal,
      wallMs: clock.wallMs(),
      timeZone,
      clockState: clockState(),
    })
    return (await ingest.ingest([event])).type !== 'refused'
  }
}
