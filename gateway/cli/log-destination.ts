import { type DestinationStream, destination } from 'pino'
import { PinoPretty } from 'pino-pretty'

/**
 * Standard output: coloured for a person at a terminal, JSON lines for a machine. Synchronous in
 * both cases, so that the last line before a crash is there to read.
 */
export function logDestination(): DestinationStream {
  const { fd, isTTY } = process.stdout
  const lines = destination({ fd, sync: true })
  if (!isTTY) return lines
  return PinoPretty({ destination: lines, sync: true, translateTime: 'SYS:HH:MM:ss.l' })
}
