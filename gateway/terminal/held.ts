import type { ErrorCode } from '../core/errors.js'
import type { IngestOutcome } from './ingest.js'

const PASSING: ReadonlySet<ErrorCode> = new Set(['TB_JOURNAL_FULL', 'TB_JOURNAL_WRITE'])

/** It was not taken for want of room: there will be some again. */
export function isHeld(outcome: IngestOutcome): boolean {
  return outcome.type === 'refused' && PASSING.has(outcome.code)
}
