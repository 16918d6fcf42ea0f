import { messageOf, TillbridgeError } from '../core/errors.js'
import type { Logger } from '../core/log.js'

/** The last line of a process that fails: what happened, and what the operator should do. */
export function logFailure(logger: Logger, thrown: unknown): void {
  const known =
    thrown instanceof TillbridgeError
      ? thrown
      : new TillbridgeError('TB_INTERNAL', messageOf(thrown))
  // A stack helps whoever mends a defect; beside an expected failure it only frightens.
  const stack = known === thrown || !(thrown instanceof Error) ? {} : { stack: thrown.stack }
  logger.fatal({ code: known.code, advice: known.advice, ...stack }, known.message)
}
