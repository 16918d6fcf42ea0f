import type { Doorbell } from '../core/doorbell.js'
import type { PassContext } from './pass.js'

/** Works while each append to the journal, and the end of the pass, rings the bell. */
export async function ringing<Value>(
  { signal, journal, bell }: Pick<PassContext, 'signal' | 'journal'> & { readonly bell: Doorbell },
  work: () => Promise<Value>,
): Promise<Value> {
  const ring = (): void => bell.ring()
  signal.addEventListener('abort', ring)
  const unsubscribe = journal.onAppended(ring)
  try {
    return await work()
  } finally {
    unsubscribe()
    signal.removeEventListener('abort', ring)
  }
}
