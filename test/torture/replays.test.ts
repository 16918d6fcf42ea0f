import { rmSync } from 'node:fs'
import t, { type Test } from 'tap'
import { below, newRandom } from '../support/sample.js'
import type { NameModel } from './crash-state.js'
import { replayOneRun, SCRATCH } from './replays.js'
import type { Mutation } from './running-journal.js'

t.setTimeout(600_000)

function replayIn(
  t: Test,
  options: {
    readonly states: number
    readonly model: NameModel
    readonly mutation?: Mutation
  },
) {
  const seed = below(newRandom(t), 2 ** 32)
  const place = t.testdir()
  const scratch = `${SCRATCH}/tillbridge-replays-${process.pid}`
  t.teardown(() => rmSync(scratch, { recursive: true, force: true }))
  const at = { directory: `${place}/shop`, keep: `${place}/kept`, scratch }
  return replayOneRun({ ...options, ...at, unit: 1, seed, stopAtFinding: true })
}

t.test(
  'whatever unsynced writes a crash drops or tears, what was acknowledged is there',
  async t => {
    const { points, counts, findings } = await replayIn(t, { states: 150, model: 'ordered' })
    t.same(findings, [])
    t.equal(points, 150, JSON.stringify(counts))
  },
)

t.test('names that a crash puts back in any order lose what is explained, no more', async t => {
  const { counts, findings } = await replayIn(t, { states: 60, model: 'reordered' })
  t.same(findings, [])
  t.comment(JSON.stringify(counts))
})

t.test('a journal that does not wait for the disk is found out', async t => {
  const mutated = { states: 200, model: 'ordered', mutation: 'unsynced' } as const
  const { findings } = await replayIn(t, mutated)
  t.match(findings[0]?.what.join(), 'was acknowledged and is not in the ledger')
})
