import t, { type Test } from 'tap'
import { below, newRandom } from '../support/sample.js'
import { inOwnMounts } from '../support/small-disk.js'
import { powerCutObstacle } from './loop-disk.js'
import { cutOneDisk } from './power-cuts.js'
import type { Mutation } from './running-journal.js'

t.setTimeout(600_000)

// Never skipped: without it nobody has seen what a power cut does.
const obstacle = powerCutObstacle()
if (obstacle !== undefined) throw new Error(obstacle)
inOwnMounts()

function cutIn(t: Test, options: { readonly cuts: number; readonly mutation?: Mutation }) {
  const seed = below(newRandom(t), 2 ** 32)
  const place = t.testdir()
  const at = { directory: `${place}/shop`, keep: `${place}/kept` }
  return cutOneDisk({ ...options, ...at, unit: 1, seed, stopAtFinding: true })
}

t.test('its power cut again and again, it keeps what it acknowledged', async t => {
  const { points, counts, findings } = await cutIn(t, { cuts: 14 })
  t.same(findings, [])
  t.equal(points, 14, JSON.stringify(counts))
})

t.test('a journal that does not wait for the disk is found out', async t => {
  const { findings } = await cutIn(t, { cuts: 20, mutation: 'unsynced' })
  t.match(findings[0]?.what.join(), 'was acknowledged and is not in the ledger')
})
