import { type Clock, systemClock } from '../../gateway/core/clock.js'

const TICK_MS = 5

/**
 * A clock for those who wait for each other in one process. Its time passes in small steps, after
 * each of which what has come in the meantime is heard, and not while the disk is at work: a busy
 * machine makes all of them slow, and nobody late.
 */
export function fairClock(isAtWork: () => boolean): Clock {
  return {
    ...systemClock,
    after: (ms, callback) => {
      let leftMs = ms
      const timer = setInterval(() => {
        if (isAtWork()) return
        leftMs -= TICK_MS
        if (leftMs > 0) return
        clearInterval(timer)
        callback()
      }, TICK_MS)
      return () => clearInterval(timer)
    },
  }
}
