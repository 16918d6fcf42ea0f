import type { Clock } from '../../core/clock.js'
import type { TimedBytes } from '../listen.js'

/** Writes what the terminal said, at its own pace or so many times as fast. */
export async function replay(options: {
  readonly chunks: readonly TimedBytes[]
  /** 1: as it was; 0: without waiting. */
  readonly speed: number
  readonly clock: Clock
  readonly write: (bytes: Uint8Array) => Promise<void>
  readonly signal: AbortSignal
}): Promise<void> {
  const { chunks, speed, clock, write, signal } = options
  const said = chunks.filter(({ from }) => from === 'terminal')
  const firstMs = said[0]?.atMs ?? 0
  const startMs = clock.monotonicMs()
  for (const { atMs, bytes } of said) {
    const dueMs = speed === 0 ? 0 : (atMs - firstMs) / speed
    const waitMs = startMs + dueMs - clock.monotonicMs()
    if (waitMs > 0) await clock.sleep(waitMs, signal)
    if (signal.aborted) return
    await write(bytes)
  }
}
