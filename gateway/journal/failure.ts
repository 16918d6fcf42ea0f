import { messageOf, systemCodeOf, TillbridgeError } from '../core/errors.js'

/** A write that the disk refused. What the journal already says in its own words stays as it is. */
export function writeFailure(thrown: unknown): TillbridgeError {
  if (thrown instanceof TillbridgeError) return thrown
  return new TillbridgeError('TB_JOURNAL_WRITE', messageOf(thrown), { cause: thrown })
}

/** A read that failed: damage, unless the database did not reopen after a failed write. */
export function readFailure(thrown: unknown): TillbridgeError {
  if (thrown instanceof TillbridgeError) return thrown
  if (systemCodeOf(thrown) === 'LEVEL_DATABASE_NOT_OPEN') return writeFailure(thrown)
  return new TillbridgeError('TB_JOURNAL_UNREADABLE', messageOf(thrown), { cause: thrown })
}
