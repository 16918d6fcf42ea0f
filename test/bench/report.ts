/** Median and 99th percentile of a series, in its own unit. */
interface Percentiles {
  readonly p50: number
  readonly p99: number
}

function percentiles(series: readonly number[]): Percentiles {
  const sorted = [...series].sort((left, right) => left - right)
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0
  return { p50: at(0.5), p99: at(0.99) }
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

export function sayTimes(what: string, times: readonly number[]): Percentiles {
  const found = percentiles(times)
  const { p50, p99 } = found
  say(`  ${what.padEnd(52)} p50 ${p50.toFixed(2)} ms  p99 ${p99.toFixed(2)} ms`)
  return found
}

/** A ratio measured in one run beside the goal it has: `atLeast` or `atMost`. */
export function sayRatio(
  what: string,
  ratio: number,
  goal: { readonly atLeast: number } | { readonly atMost: number },
): void {
  const isMet = 'atLeast' in goal ? ratio >= goal.atLeast : ratio <= goal.atMost
  const bound = 'atLeast' in goal ? `at least ${goal.atLeast}` : `at most ${goal.atMost}`
  const verdict = isMet ? 'met' : 'MISSED'
  say(`  ${what.padEnd(52)} ${ratio.toFixed(2)} x  (goal ${bound}: ${verdict})`)
}

export async function timed(action: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await action()
  return performance.now() - startMs
}
