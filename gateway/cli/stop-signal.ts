import type { Clock } from '../core/clock.js'
import { LIMITS } from '../core/limits.js'
import { EXIT, type ExitCode } from './exit-codes.js'

/**
 * Aborts at the first SIGINT or SIGTERM. The process then ends on its own; a second signal, or the
 * limit for stopping, ends it at once with the signal's exit code.
 */
export function stopSignal(options: {
  readonly clock: Clock
  readonly exit: (code: ExitCode) => never
}): AbortSignal {
  const controller = new AbortController()
  const codes = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated }
  for (const [signal, code] of Object.entries(codes))
    process.on(signal, () => {
      if (controller.signal.aborted) options.exit(code)
      controller.abort()
      options.clock.after(LIMITS.stopMs, () => options.exit(code))
    })
  return controller.signal
}
