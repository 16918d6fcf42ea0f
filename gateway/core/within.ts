import type { Clock } from './clock.js'

/** What the work gives, or `timeout` where it takes longer than `ms`; it then goes on unheard. */
export async function within<Value>(
  clock: Clock,
  limit: { readonly ms: number; readonly work: Promise<Value> },
): Promise<Value | 'timeout'> {
  let cancel = (): void => undefined
  const timeout = new Promise<'timeout'>(resolve => {
    cancel = clock.after(limit.ms, () => resolve('timeout'))
  })
  try {
    return await Promise.race([limit.work, timeout])
  } finally {
    cancel()
  }
}
