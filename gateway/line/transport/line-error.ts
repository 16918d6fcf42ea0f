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
