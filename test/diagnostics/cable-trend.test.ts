import t from 'tap'
import { seededRandom } from '../../gateway/core/random.js'
import {
  type CableTrend,
  type LineCounts,
  NEW_CABLE,
  nextTrend,
  trendText,
} from '../../gateway/diagnostics/cable-trend.js'
import { CableWatch, type CountedLine } from '../../gateway/diagnostics/cable-watch.js'
import { steppedClock } from '../support/stepped-clock.js'

const DAY = 24 * 60

/** So many minutes of a line on which each of `perMinute` goes wrong with this chance. */
function pass(
  before: CableTrend,
  minutes: number,
  options: {
    readonly perMinute: number
    readonly chance: (minute: number) => number
    seed?: number
  },
): { readonly trend: CableTrend; readonly failedAt: number | undefined } {
  const random = seededRandom(options.seed ?? 1)
  let trend = before
  let failedAt: number | undefined
  for (let minute = 0; minute < minutes; minute += 1) {
    const bad = Array.from({ length: options.perMinute }, () => random.unit()).filter(
      unit => unit < options.chance(minute),
    ).length
    trend = nextTrend(trend, { good: options.perMinute - bad, bad })
    if (trend.state === 'failing') failedAt ??= minute
  }
  return { trend, failedAt }
}

for (const [name, perMinute, chance] of [
  ['a good line', 5, 0],
  ['one with a rare error', 5, 0.001],
  ['one that was always poor', 5, 0.05],
  ['one that was always bad and is busy', 60, 0.2],
] as const)
  t.test(`${name} does not fail in a month of the same`, async t => {
    for (const seed of [1, 2, 3]) {
      const { failedAt } = pass(NEW_CABLE, 30 * DAY, { perMinute, chance: () => chance, seed })
      t.equal(failedAt, undefined)
    }
  })

t.test('one that gets worse is named long before it is dead, and stays named', async t => {
  const { trend: usual } = pass(NEW_CABLE, 3 * DAY, { perMinute: 5, chance: () => 0.001 })
  // From one in a thousand to one in three within ten days.
  const rising = (minute: number): number => 0.001 + (0.33 * minute) / (10 * DAY)
  const { trend, failedAt } = pass(usual, 10 * DAY, { perMinute: 5, chance: rising })
  t.ok(failedAt !== undefined && rising(failedAt) < 0.05, `named at ${failedAt} min`)
  t.match(trendText(trend), /^3\d\.\d % .* went wrong, 0\.[1-9] % before$/)
  const { trend: later } = pass(trend, 3 * DAY, { perMinute: 5, chance: () => 0.33 })
  t.equal(later.state, 'failing', 'bad does not become the usual')
  const { trend: mended } = pass(later, 2 * 60, { perMinute: 5, chance: () => 0.001 })
  t.equal(mended.state, 'steady', 'a new cable')
})

t.test('a line that is hardly used is not judged', async t => {
  const idle = pass(NEW_CABLE, 100, { perMinute: 1, chance: () => 0 }).trend
  t.equal(pass(idle, 60, { perMinute: 1, chance: () => 0.9 }).failedAt, undefined)
})

t.test('the watch names the terminal, and lets go', async t => {
  const { clock, step } = steppedClock()
  const counts = new Map<string, LineCounts>([
    ['till-7', { good: 0, bad: 0 }],
    ['till-8', { good: 0, bad: 0 }],
    ['scale-1', { good: 0, bad: 0 }],
  ])
  const alarms = new Map<string, string>()
  const watch = new CableWatch({
    clock,
    lines: () =>
      [...counts].map(
        ([terminal, { good, bad }]): CountedLine => ({
          terminal,
          state: terminal === 'scale-1' ? 'silent' : 'connected',
          framesTotal: good,
          burstTotal: bad,
          repeatTotal: 0,
          timeoutTotal: 0,
        }),
      ),
    alarms: {
      raise: (alarm, reason) => alarms.set(alarm, reason),
      clear: alarm => alarms.delete(alarm),
    },
  })
  const stop = new AbortController()
  const running = watch.run(stop.signal)
  const minutes = async (count: number, bad: number): Promise<void> => {
    for (let minute = 0; minute < count; minute += 1) {
      const before = (terminal: string) => counts.get(terminal) ?? { good: 0, bad: 0 }
      const seven = before('till-7')
      counts.set('till-7', { good: seven.good + 5, bad: seven.bad + bad })
      counts.set('till-8', { good: before('till-8').good + 5, bad: 0 })
      counts.set('scale-1', { good: 0, bad: before('scale-1').bad + 60 })
      step(60_000)
      await new Promise(resolve => queueMicrotask(() => resolve(undefined)))
      await Promise.resolve()
    }
  }
  await minutes(180, 0)
  t.equal(alarms.size, 0)
  t.equal(watch.connectedHours('till-7'), 3)
  t.equal(watch.connectedHours('scale-1'), 0)
  await minutes(30, 1)
  const reason = alarms.get('cable-failing') ?? ''
  t.match(reason, /till-7: [\d.]+ % of what passed in the last hour went wrong, 0\.0 % before/)
  t.notMatch(reason, /till-8|scale-1/)
  await minutes(90, 0)
  t.equal(alarms.size, 0)
  stop.abort()
  step(60_000)
  await running
})
