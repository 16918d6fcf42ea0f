import type { Clock } from '../../gateway/core/clock.js'
import { NOON_MS } from './sample.js'

/** A clock that stands still but for the test's steps; what is due on the way is called back. */
export function steppedClock(): { readonly clock: Clock; readonly step: (ms: number) => void } {
  let nowMs = 0
  const timers = new Set<{ readonly atMs: number; readonly callback: () => void }>()
  const after = (ms: number, callback: () => void): (() => void) => {
    const timer = { atMs: nowMs + ms, callback }
    timers.add(timer)
    return () => timers.delete(timer)
  }
  const step = (ms: number): void => {
    const endMs = nowMs + ms
    for (;;) {
      const [next] = [...timers]
        .filter(({ atMs }) => atMs <= endMs)
        .sort((one, other) => one.atMs - other.atMs)
      if (next === undefined) break
      timers.delete(next)
      nowMs = next.atMs
      next.callback()
    }
    nowMs = endMs
  }
  const clock: Clock = {
    wallMs: () => NOON_MS + nowMs,
    monotonicMs: () => nowMs,
    sleep: ms => new Promise<void>(resolve => void after(ms, resolve)),
    after,
  }
  return { clock, step }
}
