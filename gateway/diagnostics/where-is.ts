import type { Clock } from '../core/clock.js'
import type { EpochId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import type { RangeSet } from '../core/range-set.js'
import { decodeEvent, type Event } from '../event/event.js'
import type { JournalRecord } from '../wire/record.js'
import type { Journey } from './journey.js'

/** What of the journal a search needs. */
export interface SearchedJournal {
  epochs(): readonly {
    readonly epoch: EpochId
    readonly first: number
    readonly last: number
    readonly pending: RangeSet
  }[]
  read(range: {
    readonly epoch: EpochId
    readonly first: number
    readonly last: number
    readonly maxBytes: number
  }): Promise<{ readonly records: readonly JournalRecord[] }>
}

/** How far one fact got; times in RFC 3339 UTC, absent where they are not known any more. */
export interface Whereabouts {
  readonly terminal: string
  readonly type: string
  readonly id: string
  readonly subject?: string
  readonly epoch: EpochId
  readonly seq: number
  /** When the terminal said that it happened, or it was captured. */
  readonly captured: string
  readonly journaled?: string
  /** Went out last; HQ may have it or not. */
  readonly sent?: string
  /** Whether HQ has committed it, and since when at the latest. */
  readonly isCommitted: boolean
  readonly committed?: string
}

/** Whose records are searched, and what knows the times. */
export interface Search {
  readonly journal: SearchedJournal
  readonly journey: Journey
  readonly clock: Clock
  /** As in the headers of records written since this machine booted. */
  readonly bootId: string
  readonly signal: AbortSignal
}

/**
 * The facts of this receipt number, subject or id that the journal still holds, newest first. Ends
 * after so many records, or facts, as `LIMITS` says.
 */
export async function whereIs(
  wanted: { readonly text: string; readonly terminal?: string },
  search: Search,
): Promise<readonly Whereabouts[]> {
  const found: Whereabouts[] = []
  let searched = 0
  for await (const record of newestFirst(search)) {
    searched += 1
    if (searched > LIMITS.whereIsRecords || found.length >= LIMITS.whereIsFacts) break
    const event = eventOf(record, wanted.text)
    if (event === undefined || !isWanted(event, wanted)) continue
    found.push(whereaboutsOf(event, record, search))
  }
  return found
}

async function* newestFirst({ journal, signal }: Search): AsyncGenerator<JournalRecord> {
  const { batchRecords, batchBytes } = LIMITS
  for (const { epoch, first, last } of journal.epochs().toReversed())
    for (let upTo = last; upTo >= first && !signal.aborted; ) {
      const from = Math.max(first, upTo - batchRecords + 1)
      // What is damaged is named elsewhere; here it is only not found.
      const records = await sliceOf(journal, { epoch, first: from, last: upTo, batchBytes })
      yield* records.toReversed()
      upTo = from - 1
    }
}

/** A slice may end early for its bytes; what is left of it is read on. */
async function sliceOf(
  journal: SearchedJournal,
  range: {
    readonly epoch: EpochId
    readonly first: number
    readonly last: number
    readonly batchBytes: number
  },
): Promise<readonly JournalRecord[]> {
  const { epoch, last, batchBytes: maxBytes } = range
  const records: JournalRecord[] = []
  for (let first = range.first; first <= last; ) {
    const slice = await journal.read({ epoch, first, last, maxBytes }).catch(() => undefined)
    records.push(...(slice?.records ?? []))
    first = Math.max(first, slice?.records.at(-1)?.header.seq ?? first) + 1
  }
  return records
}

function eventOf({ body }: JournalRecord, text: string): Event | undefined {
  // Most records are passed over without being parsed.
  if (body.type !== 'event' || !Buffer.from(body.bytes).includes(text)) return undefined
  const event = decodeEvent(body.bytes)
  return event.ok ? event.value : undefined
}

function isWanted(
  event: Event,
  { text, terminal }: { readonly text: string; readonly terminal?: string },
): boolean {
  if (terminal !== undefined && event.terminal !== terminal) return false
  const receipt = 'receiptNumber' in event.data ? event.data.receiptNumber : undefined
  return [event.id, event.subject, receipt].includes(text)
}

function whereaboutsOf(event: Event, { header }: JournalRecord, search: Search): Whereabouts {
  const { journal, journey, clock, bootId } = search
  const { epoch, seq, boot, monotonicMs } = header
  const { sentMs, confirmedMs } = journey.of({ epoch, seq })
  const extent = journal.epochs().find(one => one.epoch === epoch)
  const isCommitted = extent?.pending.every(([first, last]) => seq < first || seq > last) ?? true
  const aheadMs = clock.wallMs() - clock.monotonicMs()
  return {
    terminal: event.terminal,
    type: event.type,
    id: event.id,
    ...(event.subject === undefined ? {} : { subject: event.subject }),
    epoch,
    seq,
    captured: event.time,
    ...(boot === bootId ? { journaled: isoOf(aheadMs + monotonicMs) } : {}),
    ...(sentMs === undefined ? {} : { sent: isoOf(sentMs) }),
    isCommitted,
    ...(isCommitted && confirmedMs !== undefined ? { committed: isoOf(confirmedMs) } : {}),
  }
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString()
}
