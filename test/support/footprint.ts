import { readdirSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { systemClock } from '../../gateway/core/clock.js'
import { BluezBus } from '../../gateway/line/transport/bluez/bluez-bus.js'
import { countListeners } from './listener-census.js'

/** What a process and its bus hold. */
export interface Footprint {
  readonly heapBytes: number
  readonly descriptors: number
  /** Rules of all clients of the bus together, ours for looking among them. */
  readonly matchRules: number
  /** Of all emitters together, those of sockets that are about to close among them. */
  readonly listeners: number
}

// What nobody holds any more is no leak, and must not depend on when it is collected.
setFlagsFromString('--expose-gc')
const collect: unknown = runInNewContext('gc')

export async function footprint(): Promise<Footprint> {
  for (let round = 0; round < 3; round++) {
    if (typeof collect === 'function') collect()
    await delay(20)
  }
  const bus = await BluezBus.open({ clock: systemClock, onSignal: () => undefined })
  const [rules] = await bus.call({
    to: 'org.freedesktop.DBus',
    path: '/org/freedesktop/DBus',
    interface: 'org.freedesktop.DBus.Debug.Stats',
    member: 'GetAllMatchRules',
  })
  const all = Object.values(rules ?? {}).flat()
  bus.close()
  await delay(20)
  return {
    heapBytes: process.memoryUsage().heapUsed,
    descriptors: readdirSync('/proc/self/fd').length,
    matchRules: all.length,
    listeners: countListeners(),
  }
}

export function footprintText({ heapBytes, ...counts }: Footprint): string {
  const heap = `${(heapBytes / 1024 / 1024).toFixed(1)} MiB`
  const { descriptors, matchRules, listeners } = counts
  return `${heap}, ${descriptors} descriptors, ${matchRules} match rules, ${listeners} listeners`
}
