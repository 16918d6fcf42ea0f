import t from 'tap'
import { seededRandom } from '../../../gateway/core/random.js'
import { reportStore } from '../../../gateway/hq/stores/store-account.js'
import { batchOf, continued, makeEpoch, upTo } from '../../support/chain.js'
import { STORE, sale } from '../../support/sample.js'
import { ledgerIn } from '../open.js'

const sales = (numbers: readonly number[]) => numbers.map(number => sale({ number }))

t.test(
  'what a dead gateway had not delivered: by its hello, and by the tills’ numbers',
  async t => {
    const ledger = await ledgerIn(t.testdir())
    t.teardown(() => ledger.close())
    t.match(await reportStore(ledger, STORE), { epochs: 0, records: 0, undelivered: [], tills: [] })

    const dead = makeEpoch({ random: seededRandom(1), events: sales([1, 2, 3, 4, 5, 6]) })
    await ledger.greet(STORE, {
      ...{ v: 1, software: '0.1.0' },
      epochs: [{ epoch: dead.epoch, first: 1, last: 6 }],
    })
    await ledger.commit(batchOf(upTo(dead, 4), { first: 1, last: 4 }))
    t.match(await reportStore(ledger, STORE), {
      ...{ epochs: 1, records: 4, newest: { epoch: dead.epoch, last: 4 } },
      undelivered: [{ epoch: dead.epoch, missing: [[5, 6]] }],
      tills: [],
    })

    const other = makeEpoch({ random: seededRandom(2), events: sales([9, 10]) })
    await ledger.greet(STORE, {
      ...{ v: 1, software: '0.1.0' },
      epochs: [{ epoch: other.epoch, first: 1, last: 3 }],
    })
    await ledger.commit(batchOf(other, { first: 1, last: 3 }))
    const report = await reportStore(ledger, STORE)
    t.match(report, {
      ...{ epochs: 2, records: 7, newest: { epoch: other.epoch, last: 3 }, turns: [] },
      undelivered: [{ epoch: dead.epoch, missing: [[5, 6]] }],
    })
    t.match(report.tills, [{ after: 3, before: 9, missing: [[4, 8]] }], 'more than it had said')

    await ledger.commit(batchOf(dead, { first: 5, last: 6 }))
    const found = await reportStore(ledger, STORE)
    t.same(found.undelivered, [], 'its card was read after all')
    t.match(found.tills, [{ missing: [[6, 8]] }])
  },
)

t.test('two gateways that speak in turns are named', async t => {
  const ledger = await ledgerIn(t.testdir())
  t.teardown(() => ledger.close())
  const roots = [1, 2].map(seed => makeEpoch({ random: seededRandom(seed), events: sales([seed]) }))
  const speak = async (index: number, number: number): Promise<void> => {
    const epoch = roots[index]
    if (epoch === undefined) throw new RangeError(`no gateway ${index}`)
    const longer = continued(epoch, sales([number]))
    roots[index] = longer
    const last = longer.records.length
    await ledger.commit(batchOf(longer, { first: last === 3 ? 1 : last, last }))
  }
  for (const [turn, number] of [10, 20, 11, 21, 12, 22].entries()) await speak(turn % 2, number)
  const { turns } = await reportStore(ledger, STORE)
  t.same(new Set(turns), new Set(roots.map(({ epoch }) => epoch)))
})
