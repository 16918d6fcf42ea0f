import type { ErrorCode } from '../core/errors.js'
import type { Event } from '../event/event.js'

/** Whether events are safe: a terminal is answered by this, and never before it. */
export type IngestOutcome =
  | { readonly type: 'journaled' }
  /** All of them stood in the journal already. */
  | { readonly type: 'duplicate' }
  /** Too many of their kind, or no room but for money: counted, and not worth saying again. */
  | { readonly type: 'summarised' }
  /** Nothing was kept: the terminal must keep its message. */
  | { readonly type: 'refused'; readonly code: ErrorCode; readonly reason: string }

/** What is kept of a terminal's message that is not whole yet: `after`, where `before` was. */
export interface FragmentChange {
  readonly source: string
  readonly before: readonly Uint8Array[]
  readonly after: readonly Uint8Array[]
}

/**
 * What a session needs of the journal; resolves when the events, and what is kept of a message
 * that is not whole yet, would survive a power cut.
 */
export type Ingest = (
  events: readonly Event[],
  fragments?: FragmentChange,
) => Promise<IngestOutcome>

/** What was kept of a source, over restarts; nothing where the journal cannot say so now. */
export type Fragments = (source: string) => Promise<readonly Uint8Array[] | undefined>

/** What goes with the events of a frame, and until when they are offered. */
export interface Turn {
  readonly change: FragmentChange | undefined
  readonly signal: AbortSignal
}
