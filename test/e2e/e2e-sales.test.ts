import t, { type Test } from 'tap'
import { readTillLog } from '../../gateway/simulator/till-log.js'
import { isMidSale, type Kill, killAtRandom, type Victim } from '../support/killer.js'
import { countOf, percentile, type Span, saleSpans } from '../support/ledger-export.js'
import { TestShop, type TestTill } from '../support/test-shop.js'
import { until } from '../support/until.js'

const SEED = 20_261_122
const RESET_AFTER = 60
/** The first two sell until every kill has been made, and this many at least. */
const BUSY_SALES = 1_000
const TILLS: readonly TestTill[] = [
  { id: 'register-1', model: 'lrc', perMinute: 2_000 },
  { id: 'register-2', model: 'binary', perMinute: 2_000 },
  { id: 'register-3', model: 'plain', sales: 120, perMinute: 240 },
  {
    id: 'register-4',
    model: 'lrc',
    sales: 120,
    perMinute: 240,
    resetCounterAfter: RESET_AFTER,
  },
]
const TIMES: Readonly<Record<Victim, number>> = { gateway: 5, broker: 3, ledger: 2 }

t.setTimeout(900_000)

t.test('2 000 sales, ten kills: each sale once, in order, the chain whole', async t => {
  t.comment(`seed ${SEED}`)
  const shop = await TestShop.start({ tills: TILLS, seed: SEED })
  t.teardown(() => shop.stop())
  const busyLogs = TILLS.slice(0, 2).map(({ id }) => shop.paths.tillLog(id))
  const enough = new AbortController()
  const selling = shop.sell(enough.signal)
  const kills = await killAtRandom({ shop, tillLogs: busyLogs, seed: SEED, times: TIMES })
  const haveSold = () => busyLogs.every(log => salesIn(log) >= BUSY_SALES)
  await until('both busy tills have sold enough', haveSold, 300_000)
  enough.abort()
  t.same(await selling, [0, 0, 0, 0], 'every till sold all it had to sell')
  const live = shop.liveCheck()
  const isDrained = async (): Promise<boolean> => (await live.update()).waiting === 0
  await until('every acknowledged sale is in the ledger', isDrained, 120_000)
  await shop.gateway.stop(10_000)

  const { rows, report, isSound } = await shop.judge()
  t.ok(isSound, 'the checker, as a process of its own, finds nothing wrong')
  t.same(report.findings, [])
  const sold = busyLogs.map(salesIn)
  const [all, least] = [sold.reduce((sum, some) => sum + some, 240), 2 * BUSY_SALES + 240]
  t.ok(all >= least, `${all} sales, ${least} at least`)
  t.match(report, { sent: all, acknowledged: all, found: all, lost: 0, doubled: 0 })
  t.match(report, { differing: 0, unknown: 0, disordered: 0, unacknowledged: 0 })
  for (const [index, found] of sold.entries())
    t.match(report.tills[`register-${index + 1}`], {
      ...{ sent: found, acknowledged: found, found },
      ...{ lost: 0, doubled: 0, disordered: 0, conflicts: 0 },
    })
  t.match(report.chain, { unverified: 0, breaks: [] })
  t.ok(report.chain.epochs > TIMES.gateway, 'each kill of the gateway ended an epoch')
  t.equal(report.chain.verified, report.chain.records)
  t.match(report.tills['register-3'], { found: 120, lost: 0, doubled: 0 }, 'without numbers')
  t.match(report.tills['register-4'], { found: 120, conflicts: 120 - RESET_AFTER }, 'reset counter')
  t.equal(countOf(rows, 'event.conflict'), 120 - RESET_AFTER, 'every conflict is an event, too')
  const spans = saleSpans(rows, busyLogs)
  judgeKills(t, { kills, spans })
  const delaysMs = spans.map(({ fromMs, toMs }) => toMs - fromMs)
  const [p50, p99] = [percentile(delaysMs, 0.5), percentile(delaysMs, 0.99)]
  t.comment(`first byte to ledger, outages and all: p50 ${p50} ms, p99 ${p99} ms`)
  t.comment(`epochs ${report.chain.epochs}, records ${report.chain.records}`)
  t.comment(`register-3: ${report.possibleRepeats} possible repeats, flagged`)
})

function salesIn(tillLog: string): number {
  return readTillLog(tillLog).filter(({ type }) => type === 'sale').length
}

function judgeKills(
  t: Test,
  run: { readonly kills: readonly Kill[]; readonly spans: readonly Span[] },
): void {
  for (const [victim, times] of Object.entries(TIMES)) {
    const all = run.kills.filter(kill => kill.victim === victim)
    const hit = all.filter(kill => isMidSale(kill, run.spans))
    t.comment(`${victim}: ${all.length} kills, ${hit.length} between first byte and receipt`)
    t.ok(hit.length >= times, `${times} kills of the ${victim} counted`)
  }
}
