import type { Clock } from '../../core/clock.js'

/** The promise's outcome. @throws Error where it takes longer than `ms`; it is then left alone. */
export async function raceTimeout<Value>(options: {
  readonly promise: Promise<Value>
  readonly clock: Clock
  readonly ms: number
}): Promise<Value> {
  const { promise, clock, ms } = options
  let cancel = (): void => undefined
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(ms, () => reject(new Error(`no answer in ${ms} ms`)))
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    cancel()
  }
}
