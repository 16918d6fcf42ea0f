import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { type EpochId, epochId } from '../../gateway/core/ids.js'
import { LIMITS } from '../../gateway/core/limits.js'
import type { EpochState } from '../../gateway/journal/epoch-state.js'
import {
  confirmedUpTo,
  isKeptLongEnough,
  isSettled,
  pendingRanges,
} from '../../gateway/journal/retention.js'
import { NOON_MS, sale } from '../support/sample.js'
import { journalIn } from './open.js'

const epoch = epochId(`1-${'0'.repeat(32)}`)
const later = epochId(`2-${'0'.repeat(32)}`)

function state(receipt?: Omit<NonNullable<EpochState['receipt']>, 'epoch'>): EpochState {
  const known = { epoch, first: 5, last: 20, previous: '0'.repeat(64) }
  return receipt === undefined ? known : { ...known, receipt: { epoch, ...receipt } }
}

t.test('pending is what no receipt covers, confirmed what leads up to it', async t => {
  const cases = [
    { receipt: undefined, pending: [[5, 20]], upTo: 4 },
    { receipt: { upTo: 0, missing: [] }, pending: [[5, 20]], upTo: 4 },
    { receipt: { upTo: 20, missing: [] }, pending: [], upTo: 20 },
    { receipt: { upTo: 99, missing: [] }, pending: [], upTo: 20 },
    { receipt: { upTo: 9, missing: [] }, pending: [[10, 20]], upTo: 9 },
    {
      receipt: {
        upTo: 18,
        missing: [
          [1, 2],
          [7, 8],
        ],
      },
      pending: [
        [7, 8],
        [19, 20],
      ],
      upTo: 6,
    },
    { receipt: { upTo: 20, missing: [[1, 6]] }, pending: [[5, 6]], upTo: 4 },
    { receipt: { upTo: 20, missing: [], safe: 11 }, pending: [], upTo: 11 },
    { receipt: { upTo: 9, missing: [], safe: 20 }, pending: [[10, 20]], upTo: 9 },
    { receipt: { upTo: 20, missing: [], safe: 0 }, pending: [], upTo: 0 },
  ] as const
  for (const { receipt, pending, upTo } of cases) {
    const known = state(receipt && { ...receipt, missing: receipt.missing.map(([a, b]) => [a, b]) })
    t.same(pendingRanges(known), pending)
    t.equal(
      confirmedUpTo(known, () => true),
      upTo,
    )
  }
})

t.test('what is lost is not pending, and gone past once HQ has it or knows of it', async t => {
  const lost = { kind: 'damaged', cause: 'a test' } as const
  const gaps = [
    { ...lost, first: 9, last: 10, named: { epoch: later, seq: 3 } },
    { ...lost, first: 15, last: 16 },
  ]
  const owner = { ...state({ upTo: 20, missing: [[9, 10]] }), gaps }
  const named = (receipt?: EpochState['receipt']): EpochState => {
    const known = { epoch: later, first: 1, last: 5, previous: '0'.repeat(64) }
    return receipt === undefined ? known : { ...known, receipt }
  }
  const upTo = (...states: readonly EpochState[]): number =>
    confirmedUpTo(owner, gap => isSettled([owner, ...states], owner, gap))
  t.same(pendingRanges(owner), [])
  t.equal(upTo(named()), 8, 'HQ has not heard of it')
  t.equal(upTo(named({ epoch: later, upTo: 5, missing: [[3, 3]] })), 8)
  t.equal(upTo(named({ epoch: later, upTo: 3, missing: [] })), 20, 'and it has 15 and 16')
  t.equal(upTo({ ...named(), first: 4 }), 20, 'its name was confirmed and is gone')
  t.equal(upTo(), 20, 'with its whole epoch')
  const unheard = { ...owner, receipt: { epoch, upTo: 20, missing: [], safe: 8 } }
  t.equal(
    confirmedUpTo(unheard, () => true),
    10,
    'nothing of a gap can be asked for again',
  )
  const pending = { ...owner, receipt: { epoch, upTo: 11, missing: [] } }
  t.same(pendingRanges(pending), [
    [12, 14],
    [17, 20],
  ])
})

t.test(
  'a safe mark lets go at once; without one a set clock must have counted the days',
  async t => {
    const dayMs = 24 * 60 * 60 * 1000
    const now = { wallMs: 100 * dayMs, clock: 'synced' } as const
    const kept = (days: number) => ({ appendedMs: now.wallMs - days * dayMs })
    const unmarked = state({ upTo: 20, missing: [] })
    const marked = state({ upTo: 20, missing: [], safe: 20 })
    t.equal(isKeptLongEnough({ state: marked, ...kept(0), now }), true)
    t.equal(isKeptLongEnough({ state: unmarked, ...kept(LIMITS.retentionDays), now }), false)
    t.equal(isKeptLongEnough({ state: unmarked, ...kept(LIMITS.retentionDays + 1), now }), true)
    const unsure = { ...now, clock: 'unsure' } as const
    t.equal(isKeptLongEnough({ state: unmarked, ...kept(90), now: unsure }), false)
  },
)

t.test('a clock that woke up in 1970 does not make its records look old', async t => {
  const directory = t.testdir()
  const world: { wallMs: number; clock: 'synced' | 'unsure' } = { wallMs: 0, clock: 'unsure' }
  const keptAfterReceipt = async (): Promise<readonly (readonly [EpochId, number])[]> => {
    const journal = await journalIn(directory, world)
    await journal.confirm(journal.epochs().map(({ epoch, last }) => all(epoch, last)))
    // Trimming stands in the queue of reads by then: this read ends after it.
    for (let turn = 0; turn < 10; turn += 1) {
      await nextTurn()
      await journal.latestDigest('none')
    }
    const kept = journal.epochs().map(({ epoch, first }) => [epoch, first] as const)
    await journal.close()
    return kept
  }
  const journal = await journalIn(directory, world)
  await journal.append([sale({ number: 1 })])
  Object.assign(world, { wallMs: NOON_MS, clock: 'synced' })
  await journal.append([sale({ number: 2 })])
  await journal.close()
  t.strictSame((await keptAfterReceipt())[0], [journal.epoch, 1], 'not a day old')
  world.wallMs += (LIMITS.retentionDays + 1) * 24 * 60 * 60 * 1000
  const kept = await keptAfterReceipt()
  t.notOk(
    kept.some(([epoch]) => epoch === journal.epoch),
    'old by the clock that was sure',
  )
})

function all(epoch: EpochId, last: number) {
  return { epoch, upTo: last, missing: [] }
}
