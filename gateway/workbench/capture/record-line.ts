import type { Clock } from '../../core/clock.js'
import { TillbridgeError } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import type { Connection } from '../../line/transport/transport.js'
import type { TimedBytes } from '../listen.js'
import { type CaptureEntry, captureLine } from './capture-file.js'
import { ScrubbedStream } from './scrubbed-stream.js'

/** What one open line hears: the terminal, or the host that talks to it. */
export interface HeardLine {
  readonly from: TimedBytes['from']
  readonly connection: Connection
}

/**
 * Writes down what passes until the signal aborts or a line is lost, a line of the capture at a
 * time and with card data scrubbed; then closes the lines. Nothing is ever sent. Resolves with how
 * many bytes passed, and why a line was lost.
 */
export async function recordLine(options: {
  readonly lines: readonly HeardLine[]
  readonly clock: Clock
  readonly write: (line: string) => void
  readonly signal: AbortSignal
}): Promise<{ readonly bytes: number; readonly lost?: string }> {
  const { lines, clock, write, signal } = options
  const startMs = clock.monotonicMs()
  const put = (entries: readonly CaptureEntry[]): void => {
    for (const entry of entries) write(captureLine(entry))
  }
  let total = 0
  let lost: string | undefined
  const stop = (): void => {
    for (const { connection } of lines) void connection.close()
  }
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  const hear = async ({ from, connection }: HeardLine): Promise<void> => {
    const stream = new ScrubbedStream()
    let cancel = (): void => undefined
    try {
      for await (const { bytes, atMs } of connection) {
        cancel()
        total += bytes.length
        put(stream.push({ atMs: atMs - startMs, from, bytes }))
        cancel = clock.after(LIMITS.captureSettleMs, () => put(stream.settle()))
      }
    } catch (thrown) {
      if (!(thrown instanceof TillbridgeError)) throw thrown
      lost ??= thrown.message
      stop()
    } finally {
      cancel()
      put(stream.settle())
    }
  }
  await Promise.all(lines.map(hear))
  signal.removeEventListener('abort', stop)
  const atMs = Math.round(clock.monotonicMs() - startMs)
  const end = lost === undefined ? 'stopped' : 'lost'
  put([{ atMs, end, reason: lost ?? 'as it was asked to' }])
  return { bytes: total, ...(lost === undefined ? {} : { lost }) }
}
