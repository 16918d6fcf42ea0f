import t from 'tap'
import { below, newRandom } from '../support/sample.js'
import { killPayments } from './payment-kills.js'

t.setTimeout(300_000)

t.test('a gateway that is killed in a payment never asks for it twice, and finds out', async t => {
  const seed = below(newRandom(t), 2 ** 32)
  const place = t.testdir()
  const at = { directory: `${place}/shop`, keep: `${place}/kept` }
  const { findings, counts } = await killPayments({ unit: 1, seed, kills: 3, ...at })
  t.same(findings, [])
  t.comment(JSON.stringify(counts))
})
