import t from 'tap'
import { rfc3339 } from '../../gateway/core/clock.js'
import { LIMITS } from '../../gateway/core/limits.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import { AlarmLog } from '../../gateway/diagnostics/alarm-log.js'
import { StorageAlarms, type StorageCondition } from '../../gateway/diagnostics/storage-alarms.js'
import type { Event } from '../../gateway/event/event.js'
import { STORE } from '../support/sample.js'
import { steppedClock } from '../support/stepped-clock.js'

const WELL: StorageCondition = { roomBytes: 2 ** 30, isLow: false, autonomyHours: 500 }

function shop() {
  const time = steppedClock()
  const world: { clock: 'synced' | 'unsure' } = { clock: 'synced' }
  const journaled: Event[] = []
  const common = { clock: time.clock, clockState: () => world.clock }
  const log = new AlarmLog({
    ...common,
    journal: async event => {
      journaled.push(event)
      return true
    },
    store: STORE,
    timeZone: 'UTC',
    random: systemRandom,
    logger: silentLogger,
  })
  const alarms = new StorageAlarms({ ...common, alarms: log })
  const rings = (condition: Partial<StorageCondition>, base = WELL): readonly string[] => {
    alarms.note({ ...base, ...condition })
    return log.standing.map(({ alarm, reason }) => `${alarm}: ${reason}`)
  }
  return { time, world, rings }
}

t.test('room for less than three days rings, and is let go at four', async t => {
  const { rings } = shop()
  t.same(rings({ autonomyHours: 72 }), [])
  t.same(rings({ autonomyHours: 71 }), ['disk-low: room for 71 h'])
  t.same(rings({ autonomyHours: 95 }), ['disk-low: room for 71 h'], 'not on the border')
  t.same(rings({ autonomyHours: 23 }), ['disk-low: room for 23 h'])
  t.same(rings({ autonomyHours: 96 }), [])
  t.same(rings({ isLow: true }), ['disk-low: only money is still taken; room for 500 h'])
  t.same(rings({}), [])
})

t.test('at the start, where no rate is known, only the room itself rings', async t => {
  const { rings } = shop()
  const { autonomyHours: _, ...unknown } = WELL
  t.same(rings({}, unknown), [])
  t.same(rings({ isLow: true }, unknown), ['disk-low: only money is still taken'])
  t.same(rings({}, unknown), [])
})

t.test('nothing taken is another alarm, let go once there is some room', async t => {
  const { rings } = shop()
  t.same(rings({ refusal: 'Read-only file system', roomBytes: 2 ** 30 }), [
    'disk-full: terminals are told to wait: Read-only file system',
  ])
  t.match(rings({ roomBytes: LIMITS.diskFloorBytes - 1 }), [/^disk-full/])
  t.same(rings({ roomBytes: LIMITS.diskFloorBytes }), [])
})

t.test('a backlog of a day rings, but not for what a till with a wrong clock says', async t => {
  const { rings, time, world } = shop()
  const hourMs = 60 * 60 * 1000
  const oldestUnconfirmed = rfc3339(time.clock.wallMs() - 30 * hourMs, 'UTC')
  t.same(rings({ oldestUnconfirmed }), [], 'it came just now')
  time.step(LIMITS.backlogSeenMs)
  world.clock = 'unsure'
  t.same(rings({ oldestUnconfirmed }), [], 'nobody knows how late it is')
  world.clock = 'synced'
  t.same(rings({ oldestUnconfirmed }), ['backlog-old: HQ has confirmed nothing newer for 30 h'])
  const younger = rfc3339(time.clock.wallMs() - 2 * hourMs, 'UTC')
  t.match(rings({ oldestUnconfirmed: younger }), [/^backlog-old/])
  time.step(LIMITS.backlogSeenMs)
  t.same(rings({ oldestUnconfirmed: younger }), [])
  time.step(22 * hourMs)
  t.match(rings({ oldestUnconfirmed: younger }), [/for 24 h/])
  t.same(rings({}), [], 'nothing waits any more')
})
