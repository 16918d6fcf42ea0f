import { setMaxListeners } from 'node:events'
import type { Clock, MonotonicMs } from '../core/clock.js'
import { LIMITS } from '../core/limits.js'
import { EXIT, type ExitCode } from './exit-codes.js'

/** npm hands on the Ctrl-C that the terminal has sent to everybody already: still one Ctrl-C. */
const SAME_MS = 100

/**
 * Aborts at the first SIGINT or SIGTERM. The process then ends on its own; a second signal, or the
 * limit for stopping, ends it at once with the signal's exit code.
 */
export function stopSignal(options: {
  readonly clock: Clock
  readonly exit: (code: ExitCode) => never
}): AbortSignal {
  const controller = new AbortController()
  // Every terminal and every room listens: many listeners are no leak.
  setMaxListeners(0, controller.signal)
  let firstMs: MonotonicMs | undefined
  const codes = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated }
  for (const [signal, code] of Object.entries(codes))
    process.on(signal, () => {
      const nowMs = options.clock.monotonicMs()
      if (firstMs !== undefined && nowMs - firstMs > SAME_MS) options.exit(code)
      if (firstMs !== undefined) return
      firstMs = nowMs
      controller.abort()
      options.clock.after(LIMITS.stopMs, () => options.exit(code))
    })
  return controller.signal
}
