import t from 'tap'
import { epochId } from '../../gateway/core/ids.js'
import { LIMITS } from '../../gateway/core/limits.js'
import { type Condition, HealthWatch } from '../../gateway/diagnostics/health.js'
import { IngestMeter } from '../../gateway/diagnostics/ingest-meter.js'
import { Journey } from '../../gateway/diagnostics/journey.js'
import { NOON_MS } from '../support/sample.js'
import { steppedClock } from '../support/stepped-clock.js'

const WELL: Condition = { loopMs: 0, journalMs: 0, terminals: ['connected', 'lost'] }

t.test('ill is a loop that stood still, a journal that takes nothing, a deaf shop', async t => {
  const { clock, step } = steppedClock()
  const watch = new HealthWatch(clock)
  t.same(watch.judge(WELL), { state: 'well' })
  t.same(watch.judge({ ...WELL, terminals: [] }), { state: 'well' }, 'a shop without terminals')
  t.match(watch.judge({ ...WELL, loopMs: LIMITS.healthLoopMs }), { why: [/event loop/] })
  t.match(watch.judge({ ...WELL, refusal: 'disk full' }), { why: [/takes nothing: disk full/] })
  t.match(watch.judge({ ...WELL, journalMs: LIMITS.healthJournalMs }), { why: [/waits/] })
  const deaf = { ...WELL, terminals: ['lost', 'garbled', 'opening'] }
  t.same(watch.judge(deaf), { state: 'well' }, 'not at once')
  step(LIMITS.healthTerminalsMs)
  t.match(watch.judge(deaf), { state: 'ill', why: [/no terminal is of use since 300 s/] })
  t.same(watch.judge(WELL), { state: 'well' })
  t.same(watch.judge(deaf), { state: 'well' }, 'counted anew')
})

t.test('what waits for the disk is timed until it is settled', async t => {
  const { clock, step } = steppedClock()
  const meter = new IngestMeter(clock)
  const timed: unknown[] = []
  meter.onTimed((terminal, tookMs) => timed.push([terminal, tookMs]))
  let settle = (): void => undefined
  const work = new Promise<void>(resolve => {
    settle = resolve
  })
  const running = meter.measured('till-7', [], () => work)
  step(1500)
  t.equal(meter.waitingMs, 1500)
  settle()
  await running
  t.equal(meter.waitingMs, 0)
  t.same(timed, [['till-7', 1500]])
})

t.test('the journey of a record: sent again and again, confirmed once', async t => {
  const { clock, step } = steppedClock()
  const journey = new Journey(clock)
  const epoch = epochId(`1-${'a'.repeat(32)}`)
  t.same(journey.of({ epoch, seq: 4 }), {})
  journey.sent({ epoch, first: 1, last: 5 })
  step(1000)
  journey.sent({ epoch, first: 4, last: 5 })
  journey.confirmed([{ epoch, upTo: 3 }])
  step(1000)
  journey.confirmed([{ epoch, upTo: 5 }])
  journey.confirmed([{ epoch, upTo: 5 }])
  t.same(journey.of({ epoch, seq: 2 }), { sentMs: NOON_MS, confirmedMs: NOON_MS + 1000 })
  t.same(journey.of({ epoch, seq: 4 }), { sentMs: NOON_MS + 1000, confirmedMs: NOON_MS + 2000 })
  t.equal(journey.receipts, 3)
})
