import type { Clock } from '../../core/clock.js'
import { type ErrorCode, TillbridgeError } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import type { Result } from '../../core/result.js'
import { decodeEvent, type Event, type EventOf } from '../../event/event.js'
import type { Journal } from '../../journal/journal.js'
import type { InterpretingDialect } from '../../profile/dialect.js'
import type { JournalRecord } from '../../wire/record.js'
import { type Reparsed, reparse } from './reparse.js'

/** What was found of rejected frames. */
export interface ReparseReport {
  readonly frames: number
  readonly decoded: number
  readonly ignored: number
  /** Events that were not in the journal yet, and those that were. */
  readonly appended: number
  readonly known: number
  /** Of these frames those that stay as they are, by reason. */
  readonly undecodable: ReadonlyMap<string, number>
  /** Frames besides that no dialect has anything new to say of, by reason. */
  readonly untried: ReadonlyMap<string, number>
  /** Why it ended before the end: what is left is for another time. */
  readonly stopped?: string
}

type Rejected = EventOf<'frame.rejected'>

const PAUSE_MS = 5

export interface ReparseOptions {
  /** Oldest first. */
  readonly frames: AsyncIterable<Rejected>
  /** The dialect to try, or why there is none that has anything new to say. */
  readonly dialectFor: (rejected: Rejected) => Result<InterpretingDialect, string>
  readonly ingest: (
    events: readonly Event[],
  ) => Promise<
    | { readonly type: 'journaled' | 'duplicate' | 'summarised' }
    | { readonly type: 'refused'; readonly code: ErrorCode }
  >
  readonly clock: Clock
  readonly timeZone: string
  readonly signal: AbortSignal
  readonly found?: (rejected: Rejected, reparsed: Reparsed) => void
}

/** Decodes rejected frames once more and appends what they say now. */
export async function reparseFrames(options: ReparseOptions): Promise<ReparseReport> {
  const counts = { frames: 0, decoded: 0, ignored: 0, appended: 0, known: 0 }
  const reasons = {
    undecodable: new Map<string, number>(),
    untried: new Map<string, number>(),
  }
  for await (const rejected of options.frames) {
    if (options.signal.aborted) return { ...counts, ...reasons, stopped: 'it was stopped' }
    const dialect = options.dialectFor(rejected)
    if (!dialect.ok) {
      countReason(reasons.untried, dialect.error)
      continue
    }
    const reparsed = reparse({ ...options, rejected, dialect: dialect.value })
    options.found?.(rejected, reparsed)
    counts.frames += 1
    if (reparsed.type === 'ignored') counts.ignored += 1
    if (reparsed.type === 'undecodable') countReason(reasons.undecodable, reparsed.reason)
    if (reparsed.type !== 'decoded') continue
    counts.decoded += 1
    const outcome = await options.ingest(reparsed.events)
    if (outcome.type === 'refused') return { ...counts, ...reasons, stopped: outcome.code }
    if (outcome.type === 'duplicate') counts.known += reparsed.events.length
    else counts.appended += reparsed.events.length
  }
  return { ...counts, ...reasons }
}

/** Reasons name fields and sizes, so there may be as many as frames. */
function countReason(counts: Map<string, number>, reason: string): void {
  const isCounted = counts.has(reason) || counts.size < LIMITS.reparseReasons
  const key = isCounted ? reason : 'other reasons'
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

/** Those of a journal that is in use; it pauses, so that terminals are answered as ever. */
export async function* rejectedIn(options: {
  readonly journal: Journal
  readonly clock: Clock
  readonly signal: AbortSignal
}): AsyncGenerator<Rejected, void, undefined> {
  const { journal, clock, signal } = options
  for (const { epoch, first, last } of journal.epochs())
    for (let next = first; next <= last; ) {
      const slice = await journal
        .read({ epoch, first: next, last, maxBytes: LIMITS.scrubSliceBytes })
        .catch(damaged)
      // A damaged record is no rejected frame any more; what stands behind it may be.
      next = (slice?.records.at(-1)?.header.seq ?? next) + 1
      for (const record of slice?.records ?? []) {
        const rejected = rejectedOf(record)
        if (rejected !== undefined) yield rejected
      }
      await clock.sleep(PAUSE_MS, signal)
    }
}

/** The frame that a record says was rejected; nothing where it says something else. */
export function rejectedOf({ header, body }: JournalRecord): Rejected | undefined {
  if (header.type !== 'frame.rejected' || body.type !== 'event') return undefined
  const event = decodeEvent(body.bytes)
  return event.ok && event.value.type === 'frame.rejected' ? event.value : undefined
}

function damaged(thrown: unknown): undefined {
  if (thrown instanceof TillbridgeError && thrown.code === 'TB_JOURNAL_UNREADABLE') return undefined
  throw thrown
}
