import { type ErrorCode, messageOf, systemCodeOf, TillbridgeError } from '../../core/errors.js'

const CODES: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'TB_LINE_PERMISSION',
  EPERM: 'TB_LINE_PERMISSION',
  EBUSY: 'TB_LINE_BUSY',
  EADDRINUSE: 'TB_LINE_BUSY',
}

/** Why a line did not open, as the operator reads it. */
export function lineError(address: string, thrown: unknown): TillbridgeError {
  const code = CODES[systemCodeOf(thrown) ?? ''] ?? 'TB_LINE_UNAVAILABLE'
  return new TillbridgeError(code, `${address}: ${messageOf(thrown)}`, { cause: thrown })
}

/** Connecting was given up because the gateway stops. */
export function stopped(address: string): TillbridgeError {
  return new TillbridgeError('TB_LINE_UNAVAILABLE', `${address}: stopped before it was open`)
}

/** What lines do; anything else that is thrown is a defect and must not pass for a bad cable. */
export function isLineFailure(thrown: unknown): thrown is TillbridgeError {
  return thrown instanceof TillbridgeError && thrown.code.startsWith('TB_LINE_')
}
