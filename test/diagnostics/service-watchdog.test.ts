import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { silentLogger } from '../../gateway/core/log.js'
import type { ServiceState } from '../../gateway/core/service-manager.js'
import { ServiceWatchdog } from '../../gateway/diagnostics/service-watchdog.js'
import { steppedClock } from '../support/stepped-clock.js'

function watched(options: { readonly watchdogMs: number | undefined }) {
  const told: ServiceState[] = []
  const { clock, step } = steppedClock()
  const disk = { waitingMs: 0 }
  const stop = new AbortController()
  const watchdog = new ServiceWatchdog({
    manager: { ...options, tell: state => told.push(state) },
    journalMs: () => disk.waitingMs,
    clock,
    logger: silentLogger,
  })
  const done = watchdog.run(stop.signal)
  const pass = async (ms: number): Promise<void> => {
    step(ms)
    await turn()
  }
  return { told, disk, stop, done, pass }
}

t.test('a sign of life three times as often as it is waited for', async t => {
  const { told, stop, done, pass } = watched({ watchdogMs: 60_000 })
  t.strictSame(told, ['READY=1', 'WATCHDOG=1'])
  for (const _ of [1, 2, 3]) await pass(20_000)
  t.strictSame(told.slice(2), ['WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1'])
  stop.abort()
  await pass(20_000)
  await done
  t.equal(told.at(-1), 'STOPPING=1')
})

t.test('none while an event waits too long for the disk', async t => {
  const { told, disk, stop, done, pass } = watched({ watchdogMs: 60_000 })
  disk.waitingMs = 30_000
  await pass(20_000)
  t.equal(told.length, 2)
  disk.waitingMs = 29_999
  await pass(20_000)
  t.equal(told.length, 3)
  stop.abort()
  await pass(20_000)
  await done
})

t.test('a manager without a watchdog hears of the beginning and the end', async t => {
  const { told, stop, done } = watched({ watchdogMs: undefined })
  t.strictSame(told, ['READY=1'])
  stop.abort()
  await done
  t.strictSame(told, ['READY=1', 'STOPPING=1'])
})
