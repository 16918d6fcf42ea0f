import t, { type Test } from 'tap'
import { below, newRandom } from '../support/sample.js'
import { type ChaosOptions, endureChaos } from './chaos.js'

t.setTimeout(600_000)
// Storms may leave a socket that never closes. Node, ending by itself, would wait for it for ever (it
// spins in Environment::CleanupHandles); `exit` does not.
t.teardown(() => void setTimeout(() => process.exit(), 1_000))

function endure(t: Test, options: Pick<ChaosOptions, 'seconds' | 'faults' | 'tamper'>) {
  const seed = below(newRandom(t), 2 ** 32)
  return endureChaos({
    ...options,
    unit: 1,
    seed,
    receivers: 2,
    isPatient: false,
    keep: t.testdir(),
  })
}

t.test('links and processes fail, several at a time: each sale once, and heard', async t => {
  const { points, counts, findings } = await endure(t, { seconds: 60, faults: 3 })
  t.same(findings, [])
  t.ok(points >= 3, `${points} faults`)
  for (const [what, count] of Object.entries(counts)) t.comment(`${what}: ${count}`)
})

t.test('a row that is gone from the ledger is found out', async t => {
  const { findings } = await endure(t, {
    seconds: 1,
    faults: 1,
    tamper: async ({ postgres, judgeUrl }) => {
      const where = "type = 'sale.completed' ORDER BY batch, nth LIMIT 1"
      await postgres.query(
        judgeUrl,
        `DELETE FROM tillbridge.rows WHERE (batch, nth) = (
          SELECT batch, nth FROM tillbridge.rows WHERE ${where})`,
      )
    },
  })
  t.match(findings[0]?.what.join(), /was acknowledged and is not in the ledger/)
})
