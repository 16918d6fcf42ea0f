import t from 'tap'
import { type Clock, systemClock } from '../../gateway/core/clock.js'
import { Doorbell } from '../../gateway/core/doorbell.js'

t.test('a ring while nobody waits is remembered, once', async t => {
  const bell = new Doorbell(systemClock)
  bell.ring()
  bell.ring()
  t.equal(await bell.wait(), true)
  t.equal(await bell.wait(1), false, 'two rings were one')
})

t.test('a ring wakes the waiter and takes its timer back', async t => {
  let timers = 0
  const clock: Clock = {
    ...systemClock,
    after: () => {
      timers += 1
      return () => {
        timers -= 1
      }
    },
  }
  const bell = new Doorbell(clock)
  const rung = bell.wait(1000)
  t.equal(timers, 1)
  bell.ring()
  t.equal(await rung, true)
  t.equal(timers, 0)
})
