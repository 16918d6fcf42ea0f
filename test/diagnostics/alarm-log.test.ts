import t from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import { silentLogger } from '../../gateway/core/log.js'
import { seededRandom } from '../../gateway/core/random.js'
import { AlarmLog } from '../../gateway/diagnostics/alarm-log.js'
import type { Event } from '../../gateway/event/event.js'
import { STORE } from '../support/sample.js'

function alarmLog(journal: (event: Event) => Promise<boolean>): AlarmLog {
  return new AlarmLog({
    journal,
    store: STORE,
    timeZone: 'UTC',
    clock: systemClock,
    random: seededRandom(1),
    clockState: () => 'synced',
    logger: silentLogger,
  })
}

t.test('an alarm is journaled when it begins and when it ends, and once each', async t => {
  const journaled: unknown[] = []
  const log = alarmLog(async event => journaled.push(event.data) > 0)
  log.clear('disk-low')
  log.raise('disk-low', '10 % of the quota left')
  log.raise('disk-low', '9 % of the quota left')
  t.match(log.standing, [{ alarm: 'disk-low', reason: '9 % of the quota left' }])
  log.clear('disk-low')
  log.clear('disk-low')
  t.same(log.standing, [])
  await log.retry()
  t.same(journaled, [
    { alarm: 'disk-low', state: 'raised', reason: '10 % of the quota left' },
    { alarm: 'disk-low', state: 'cleared', reason: '9 % of the quota left' },
  ])
})

t.test('what the journal refuses is offered again, in order, under the same id', async t => {
  const taken: string[] = []
  const offered: string[] = []
  let isFull = true
  const log = alarmLog(async event => {
    offered.push(event.id)
    if (!isFull) taken.push(event.id)
    return !isFull
  })
  log.raise('disk-full', 'no room')
  log.raise('backlog-old', 'HQ is away')
  await log.retry()
  t.same(taken, [])
  isFull = false
  await log.retry()
  t.equal(taken.length, 2)
  t.equal(taken[0], offered[0])
})
