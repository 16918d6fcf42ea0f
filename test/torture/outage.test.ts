import t from 'tap'
import { below, newRandom } from '../support/sample.js'
import { endureOutage } from './outage.js'

/** `npm run torture -- --only outage` takes 72 000, an hour of twenty a second. */
const SALES = 4_000

t.setTimeout(600_000)

t.test(`${SALES} sales while HQ is away: as many rows, none doubled, no gap`, async t => {
  const seed = below(newRandom(t), 2 ** 32)
  const { report, isSound, soldMs, drainMs } = await endureOutage({
    sales: SALES,
    ledger: 'level',
    seed,
  })
  t.ok(isSound, 'the checker, as a process of its own, finds nothing wrong')
  t.match(report, { acknowledged: SALES, found: SALES, lost: 0, doubled: 0, findings: [] })
  t.match(report.chain, { unverified: 0, breaks: [] })
  const rate = (ms: number): string => `${Math.round((SALES * 1000) / ms)} a second`
  t.comment(`sold ${rate(soldMs)}, drained ${rate(drainMs)}`)
})
