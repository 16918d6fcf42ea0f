import t from 'tap'
import { LIMITS } from '../../gateway/core/limits.js'
import { below, newRandom } from '../support/sample.js'
import { deliverPriceList } from './price-list.js'

t.test('a price list reaches every till over cuts and kills, and is applied once', async t => {
  const seed = below(newRandom(t), 2 ** 32)
  const tills = 3
  const { findings, counts } = await deliverPriceList({
    unit: 1,
    seed,
    directory: `${t.testdir()}/list`,
    lines: 4_000,
    tills,
    cuts: 2,
    kills: { receiving: 1, pushing: 1 },
  })
  t.same(findings, [])
  t.equal(counts['cuts'], 2, JSON.stringify(counts))
  t.ok((counts['lines told again'] ?? 0) <= 2 * tills * (LIMITS.documentLinesAgain + 1))
})
