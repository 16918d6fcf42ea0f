import { messageOf, systemCodeOf, TillbridgeError } from '../core/errors.js'

/**
 * A write that the disk refused. What the journal already says in its own words stays as it is, and
 * so does a TypeError: it is a defect of the program and says nothing about the disk.
 */
export function writeFailure(thrown: unknown): Error {
  if (thrown instanceof TillbridgeError || thrown instanceof TypeError) return thrown
  return new TillbridgeError('TB_JOURNAL_WRITE', messageOf(thrown), { cause: thrown })
}

/**
 * A read that failed: damage, unless the database did not reopen after a failed write. `what` was
 * being read, for the message.
 */
export function readFailure(thrown: unknown, what?: string): Error {
  if (thrown instanceof TillbridgeError || thrown instanceof TypeError) return thrown
  if (systemCodeOf(thrown) === 'LEVEL_DATABASE_NOT_OPEN') return writeFailure(thrown)
  const message = what === undefined ? messageOf(thrown) : `${what}: ${messageOf(thrown)}`
  return new TillbridgeError('TB_JOURNAL_UNREADABLE', message, { cause: thrown })
}

/** What a read gives, or nothing where it met damage. @throws TillbridgeError TB_JOURNAL_WRITE */
export async function unlessDamaged<Value>(read: Promise<Value>): Promise<Value | undefined> {
  try {
    return await read
  } catch (thrown) {
    const failure = readFailure(thrown)
    if (isDamage(failure)) return undefined
    throw failure
  }
}

export function isDamage(thrown: unknown): thrown is TillbridgeError {
  return thrown instanceof TillbridgeError && thrown.code === 'TB_JOURNAL_UNREADABLE'
}
