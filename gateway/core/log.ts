import { type DestinationStream, type Logger, pino } from 'pino'

export type { Logger }

/** Fields that may hold secrets; masked wherever they occur, once and for every room. */
const REDACTED = [
  'password',
  '*.password',
  'passwordHash',
  '*.passwordHash',
  'key',
  '*.key',
  'pin',
  '*.pin',
]

/**
 * The process's logger. Writes synchronously: a line logged before a crash is on the console.
 * Rooms take `logger.child({ room })` and never make their own.
 */
export function createLogger(options: {
  readonly level: string
  readonly destination: DestinationStream
}): Logger {
  return pino(
    { level: options.level, base: null, redact: { paths: REDACTED, censor: '[hidden]' } },
    options.destination,
  )
}

/** For tests and library use: logs nothing. */
export const silentLogger: Logger = pino({ level: 'silent' })
