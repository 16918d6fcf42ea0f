import t, { type Test } from 'tap'
import { below, newRandom } from '../support/sample.js'
import { killOneShop } from './kills.js'
import type { Phase } from './phases.js'
import type { Mutation } from './running-journal.js'

t.setTimeout(600_000)

function killIn(
  t: Test,
  options: { readonly kills: number; readonly mutation?: Mutation; readonly phase?: Phase },
) {
  const seed = below(newRandom(t), 2 ** 32)
  const place = t.testdir()
  const at = { directory: `${place}/shop`, keep: `${place}/kept` }
  return killOneShop({ ...options, ...at, unit: 1, seed, stopAtFinding: true })
}

t.test('killed at the entry of system calls, it keeps what it acknowledged', async t => {
  const { points, counts, findings } = await killIn(t, { kills: 12 })
  t.same(findings, [])
  t.ok(points >= 5, `${points} kills: ${JSON.stringify(counts)}`)
})

t.test('a journal that acknowledges before it writes is found out', async t => {
  const { findings } = await killIn(t, { kills: 20, mutation: 'early-ack', phase: 'append' })
  t.match(findings[0]?.what.join(), 'was acknowledged and is not in the ledger')
})
