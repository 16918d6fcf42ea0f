import { writeFileSync } from 'node:fs'
import { systemClock } from './clock.js'
import type { ServiceManager } from './service-manager.js'

/** A sign of life is three times as frequent; deploy/health.sh ends a process that is older. */
const STALE_MS = 60_000

/**
 * Signs of life for a container, which has no service manager: the process and the second since the
 * boot, for the wall clock may jump. Best on a tmpfs.
 */
export function healthFile(options: {
  readonly path: string
  readonly pid: number
}): ServiceManager {
  const { path, pid } = options
  return {
    watchdogMs: STALE_MS,
    tell: state => {
      const second = Math.floor(systemClock.monotonicMs() / 1000)
      if (state !== 'WATCHDOG=1') return
      try {
        writeFileSync(path, `${pid} ${second}\n`)
      } catch {
        // As good as unsaid: what is not there, or empty, is not well, and ends nothing.
      }
    },
  }
}
