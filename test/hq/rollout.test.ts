import t from 'tap'
import { type StoreId, storeId } from '../../gateway/core/ids.js'
import type { VersionState } from '../../gateway/hq/ledger.js'
import { judgeRollout, type RolloutPlan } from '../../gateway/hq/rollout.js'

const NOW_MS = Date.UTC(2026, 11, 1, 12)
const HOUR_MS = 3_600_000
const [ONE, TWO, THREE] = ['store-001', 'store-002', 'store-003'].map(storeId) as [
  StoreId,
  StoreId,
  StoreId,
]

const PLAN: RolloutPlan = {
  version: '0.2.0',
  soakHours: 24,
  proveMinutes: 30,
  tolerate: 0,
  rings: [
    { name: 'canaries', stores: [ONE] },
    { name: 'all', stores: [TWO, THREE] },
  ],
}

function hoursAgo(hours: number): string {
  return new Date(NOW_MS - hours * HOUR_MS).toISOString()
}

/** A store that runs the new version since so many hours, and is well. */
function updated(store: StoreId, hours: number, more: Partial<VersionState> = {}): VersionState {
  const [since, started, tested] = [hoursAgo(hours), hoursAgo(hours), hoursAgo(hours)]
  return {
    store,
    software: '0.2.0',
    since,
    started,
    tested,
    untestedStarts: 0,
    alarms: [],
    ...more,
  }
}

function before(store: StoreId, more: Partial<VersionState> = {}): VersionState {
  return updated(store, 100, { software: '0.1.0', ...more })
}

function judge(states: readonly VersionState[], more: Partial<RolloutPlan> = {}) {
  return judgeRollout({ plan: { ...PLAN, ...more }, states, nowMs: NOW_MS })
}

t.test('a ring gets it when the ring before has it and has soaked', async t => {
  const none = judge([ONE, TWO, THREE].map(store => before(store)))
  t.match(none, { verdict: 'go', ring: 'canaries' })
  t.match(none.rings, [{ verdict: 'go' }, { verdict: 'wait' }])
  const young = judge([updated(ONE, 23), before(TWO), before(THREE)])
  t.match(young, { verdict: 'soaking', ring: 'canaries' })
  t.match(young.rings, [{ verdict: 'soaking' }, { verdict: 'wait' }])
  t.match(judge([updated(ONE, 25), before(TWO), before(THREE)]), { verdict: 'go', ring: 'all' })
  const half = judge([updated(ONE, 25), updated(TWO, 25), before(THREE)])
  t.match(half, { verdict: 'go', ring: 'all' }, 'until the last of its stores has it')
  const all = [updated(ONE, 50), updated(TWO, 25), updated(THREE, 25)]
  t.match(judge(all), { verdict: 'done' })
})

t.test('what went back stops it, whichever ring it is in', async t => {
  const reason = '0.2.0 went back to 0.1.0: it did not sell'
  const back = before(ONE, { alarms: [{ alarm: 'update-unfit', reason }] })
  const report = judge([back, before(TWO), before(THREE)])
  t.match(report, { verdict: 'stop', ring: 'canaries' })
  t.match(report.rings[0]?.stores, [{ health: 'ill', reason }])
  const older = {
    alarm: 'update-unfit',
    reason: '0.1.9 went back to 0.1.0: it did not sell',
  } as const
  const other = before(ONE, { alarms: [older] })
  t.match(judge([other, before(TWO), before(THREE)]), { verdict: 'go' }, 'another version did')
  t.match(
    judge([updated(ONE, 25), before(TWO, { alarms: back.alarms }), before(THREE)], { tolerate: 1 }),
    { verdict: 'go' },
    'as many as are tolerated',
  )
})

t.test(
  'health falls later: an alarm, starts without end, a self-test that does not come',
  async t => {
    const stops = (state: VersionState): void => {
      const report = judge([state, before(TWO), before(THREE)])
      t.match(
        report,
        { verdict: 'stop', ring: 'canaries' },
        JSON.stringify(report.rings[0]?.stores),
      )
    }
    stops(updated(ONE, 30, { alarms: [{ alarm: 'journal-damaged', reason: 'two records' }] }))
    const { tested: _, ...untested } = updated(ONE, 1)
    stops({ ...untested, untestedStarts: 1 })
    stops({ ...updated(ONE, 0.1), untestedStarts: 3 })
    const disk = updated(ONE, 30, { alarms: [{ alarm: 'disk-low', reason: '2 GB' }] })
    t.match(judge([disk, before(TWO), before(THREE)]), { verdict: 'go', ring: 'all' })
  },
)

t.test('what has just started, or was never heard, is waited for', async t => {
  const { tested: _, ...starting } = updated(ONE, 0.1)
  const report = judge([{ ...starting, untestedStarts: 1 }, before(TWO)])
  t.match(report, { verdict: 'go', ring: 'canaries' })
  t.match(report.rings[0]?.stores, [{ health: 'starting', reason: 'started 6 min ago' }])
  t.match(report.rings[1]?.stores, [{ health: 'before' }, { health: 'unheard' }])
})
