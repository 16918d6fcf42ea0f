import t, { type Test } from 'tap'
import { type Kill, killAtRandom, type Victim } from '../support/killer.js'
import { countOf, percentile, type Span, saleSpans } from '../support/ledger-export.js'
import { TestShop, type TestTill } from '../support/test-shop.js'
import { until } from '../support/until.js'

const SEED = 20_261_122
const RESET_AFTER = 60
const TILLS: readonly TestTill[] = [
  { id: 'register-1', model: 'lrc', sales: 1_000, perMinute: 2_000 },
  { id: 'register-2', model: 'binary', sales: 1_000, perMinute: 2_000 },
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

t.setTimeout(300_000)

t.test('2 000 sales, ten kills: each sale once, in order, the chain whole', async t => {
  t.comment(`seed ${SEED}`)
  const shop = await TestShop.start({ tills: TILLS, seed: SEED })
  t.teardown(() => shop.stop())
  const tillLogs = TILLS.map(({ id }) => shop.paths.tillLog(id))
  const sold = new AbortController()
  const selling = shop.sell().finally(() => sold.abort())
  const kills = await killAtRandom({
    shop,
    tillLogs,
    seed: SEED,
    times: TIMES,
    signal: sold.signal,
  })
  t.same(await selling, [0, 0, 0, 0], 'every till sold all it had to sell')
  const live = shop.liveCheck()
  const isDrained = async (): Promise<boolean> => (await live.update()).waiting === 0
  await until('every acknowledged sale is in the ledger', isDrained, 60_000)
  await shop.gateway.stop(10_000)

  const { rows, report, isSound } = await shop.judge()
  t.ok(isSound, 'the checker, as a process of its own, finds nothing wrong')
  t.same(report.findings, [])
  t.match(report, { sent: 2_240, acknowledged: 2_240, found: 2_240, lost: 0, doubled: 0 })
  t.match(report, { differing: 0, unknown: 0, disordered: 0, unacknowledged: 0 })
  for (const id of ['register-1', 'register-2'])
    t.match(report.tills[id], { found: 1_000, lost: 0, doubled: 0, disordered: 0, conflicts: 0 })
  t.match(report.chain, { unverified: 0, breaks: [] })
  t.ok(report.chain.epochs > TIMES.gateway, 'each kill of the gateway ended an epoch')
  t.equal(report.chain.verified, report.chain.records)
  t.match(report.tills['register-3'], { found: 120, lost: 0, doubled: 0 }, 'without numbers')
  t.match(report.tills['register-4'], { found: 120, conflicts: 120 - RESET_AFTER }, 'reset counter')
  t.equal(countOf(rows, 'event.conflict'), 120 - RESET_AFTER, 'every conflict is an event, too')
  const spans = saleSpans(rows, tillLogs.slice(0, 2))
  judgeKills(t, { kills, spans })
  const delaysMs = spans.map(({ fromMs, toMs }) => toMs - fromMs)
  const [p50, p99] = [percentile(delaysMs, 0.5), percentile(delaysMs, 0.99)]
  t.comment(`first byte to ledger, outages and all: p50 ${p50} ms, p99 ${p99} ms`)
  t.comment(`epochs ${report.chain.epochs}, records ${report.chain.records}`)
  t.comment(`register-3: ${report.possibleRepeats} possible repeats, flagged`)
})

/** A kill counts only if it fell between a sale's first byte and its receipt. */
function judgeKills(
  t: Test,
  run: { readonly kills: readonly Kill[]; readonly spans: readonly Span[] },
): void {
  for (const [victim, times] of Object.entries(TIMES)) {
    const all = run.kills.filter(kill => kill.victim === victim)
    const hit = all.filter(({ atMs }) =>
      run.spans.some(({ fromMs, toMs }) => fromMs <= atMs && atMs <= toMs),
    )
    t.comment(`${victim}: ${all.length} kills, ${hit.length} between first byte and receipt`)
    t.ok(hit.length >= times, `${times} kills of the ${victim} counted`)
  }
}
