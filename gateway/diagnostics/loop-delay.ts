import { monitorEventLoopDelay } from 'node:perf_hooks'

const RESOLUTION_MS = 20

/** How long the process's event loop kept others waiting, since it was last asked. */
export class LoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })

  start(): void {
    this.#histogram.enable()
  }

  stop(): void {
    this.#histogram.disable()
  }

  /** The worst and the 99th of a hundred, in milliseconds; what follows is measured anew. */
  take(): { readonly maxMs: number; readonly p99Ms: number } {
    const { count, max } = this.#histogram
    if (count === 0) return { maxMs: 0, p99Ms: 0 }
    const p99 = this.#histogram.percentile(99)
    this.#histogram.reset()
    return { maxMs: msOf(max), p99Ms: msOf(p99) }
  }
}

/** The histogram counts the wait it asked for, too. */
function msOf(nanoseconds: number): number {
  return Math.max(0, Math.round(nanoseconds / 1e6) - RESOLUTION_MS)
}
