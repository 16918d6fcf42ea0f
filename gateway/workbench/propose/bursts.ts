import { concatBytes, equalBytes } from '../../core/bytes.js'
import type { TimedBytes } from '../listen.js'

/** Silence between what a terminal says at once; far more than any byte takes. */
const GAP_MS = 40
/** What is looked at of a long capture. */
const MAX_BYTES = 32 * 1024
const MAX_BURSTS = 500

/** What the terminal said between two silences, in order; one only where nothing tells the time. */
export function burstsOf(chunks: readonly TimedBytes[]): readonly Uint8Array[] {
  const bursts: Uint8Array[][] = []
  let lastMs = Number.NEGATIVE_INFINITY
  let total = 0
  for (const { atMs, from, bytes } of chunks) {
    const isLate = atMs - lastMs >= GAP_MS
    // The host's word ends the terminal's.
    lastMs = from === 'host' ? Number.NEGATIVE_INFINITY : atMs
    if (from === 'host') continue
    total += bytes.length
    if (total > MAX_BYTES || (isLate && bursts.length === MAX_BURSTS)) break
    if (isLate) bursts.push([bytes])
    else bursts.at(-1)?.push(bytes)
  }
  return bursts.map(concatBytes)
}

/**
 * Most of what was said came again: so does a terminal that waits for an answer which the line did
 * not give it while it was recorded.
 */
export function isSaidAgain(bursts: readonly Uint8Array[]): boolean {
  const again = bursts.filter((burst, index) => {
    const before = bursts[index - 1]
    return before !== undefined && equalBytes(before, burst)
  })
  return again.length >= 2 && again.length * 2 >= bursts.length
}

/** The longest pause within a burst: how long half a frame may have to wait for the rest. */
export function longestPauseMs(chunks: readonly TimedBytes[]): number {
  const said = chunks.filter(({ from }) => from === 'terminal')
  const gaps = said.slice(1).map(({ atMs }, index) => atMs - (said[index]?.atMs ?? 0))
  return Math.max(0, ...gaps.filter(gap => gap < GAP_MS))
}
