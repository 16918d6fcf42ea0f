import { type ErrorCode, messageOf, systemCodeOf, TillbridgeError } from '../../core/errors.js'

/**
 * What an operator should know beside PostgreSQL's own words, by SQLSTATE (PostgreSQL manual,
 * appendix A) or system error.
 */
const HINTS: readonly (readonly [code: RegExp, hint: string])[] = [
  [/^53100$/, "the disk of the database is full: free space on the database's machine"],
  [/^53300$/, 'it takes no more connections: raise max_connections'],
  [/^42501$/, 'this user lacks a right: make it the owner of the schema tillbridge'],
  [/^(42P01|3F000)$/, 'the ledger is not in it any more: restore it, then start HQ again'],
  [/^25006$/, 'it is read-only: connect to the primary, not to a standby'],
  [/^(08...|57P0.|ECONN\w+|ENOENT|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE)$/, 'is it running?'],
]

/** What the database said, with a hint; several addresses tried are told as the first of them. */
export function describeFailure(thrown: unknown): string {
  const first: unknown = thrown instanceof AggregateError ? thrown.errors[0] : thrown
  const code = systemCodeOf(first) ?? ''
  const hint = HINTS.find(([pattern]) => pattern.test(code))?.[1]
  const said = `the database: ${messageOf(first)}`
  return hint === undefined ? said : `${said}; ${hint}`
}

/** A failure of the running ledger, under `code` where it says no better one itself. */
export function ledgerFailure(code: ErrorCode, thrown: unknown): TillbridgeError {
  if (thrown instanceof TillbridgeError) return thrown
  return new TillbridgeError(code, describeFailure(thrown), { cause: thrown })
}

const REFUSED = /^(28...|3D000)$/
/** How pg says that the server wants a password and there is none: without a code. */
const NO_PASSWORD = /client password must be a/

/** A failure before the ledger was open. */
export function openFailure(thrown: unknown): TillbridgeError {
  if (NO_PASSWORD.test(messageOf(thrown)))
    return new TillbridgeError('TB_LEDGER_REFUSED', 'the database wants a password, none was given')
  const code = systemCodeOf(thrown) ?? ''
  if (REFUSED.test(code)) return ledgerFailure('TB_LEDGER_REFUSED', thrown)
  if (code === '42501' || code === '25006') return ledgerFailure('TB_LEDGER_FORBIDDEN', thrown)
  return ledgerFailure('TB_LEDGER_UNREACHABLE', thrown)
}

/** Of two transactions that stood in each other's way; trying again helps. */
export function isPassing(thrown: unknown): boolean {
  return /^(40001|40P01|55P03)$/.test(systemCodeOf(thrown) ?? '')
}

/** No partition takes the row: the months were changed behind our back. */
export function isMonthMissing(thrown: unknown): boolean {
  return systemCodeOf(thrown) === '23514'
}
