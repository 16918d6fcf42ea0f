import { once } from 'node:events'
import { connect } from 'node:net'
import type { Clock } from '../../core/clock.js'
import { within } from '../../core/within.js'

export interface Reach {
  readonly tries: number
  readonly failed: number
  /** Time to open a connection: one way there and back. Absent where none opened. */
  readonly leastMs?: number
  readonly meanMs?: number
  readonly mostMs?: number
}

const TRY_MS = 3_000
const PAUSE_MS = 100

/** Opens and closes connections to HQ's port: what an ICMP ping would say, without its rights. */
export async function measureReach(options: {
  readonly host: string
  readonly port: number
  readonly tries: number
  readonly clock: Clock
  readonly signal: AbortSignal
}): Promise<Reach> {
  const { tries, clock, signal } = options
  const took: number[] = []
  let done = 0
  for (; done < tries && !signal.aborted; done += 1) {
    const ms = await openOnce(options)
    if (ms !== undefined) took.push(ms)
    await clock.sleep(PAUSE_MS, signal)
  }
  const failed = done - took.length
  if (took.length === 0) return { tries: done, failed }
  const tenths = (ms: number): number => Math.round(ms * 10) / 10
  const mean = took.reduce((sum, ms) => sum + ms, 0) / took.length
  return {
    tries: done,
    failed,
    leastMs: tenths(Math.min(...took)),
    meanMs: tenths(mean),
    mostMs: tenths(Math.max(...took)),
  }
}

async function openOnce(options: {
  readonly host: string
  readonly port: number
  readonly clock: Clock
}): Promise<number | undefined> {
  const { host, port, clock } = options
  const startMs = clock.monotonicMs()
  const socket = connect({ host, port })
  try {
    const opened = await within(clock, { ms: TRY_MS, work: once(socket, 'connect') })
    return opened === 'timeout' ? undefined : clock.monotonicMs() - startMs
  } catch {
    // Refused or unreachable: a failed try, whatever the reason; the doctor's checks name it.
    return undefined
  } finally {
    socket.on('error', () => undefined).destroy()
  }
}
