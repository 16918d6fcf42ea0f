import t from 'tap'
import { LIMITS } from '../../gateway/core/limits.js'
import { openLinkFault } from '../../gateway/simulator/link-fault.js'
import { Pacing } from '../../gateway/uplink/pacing.js'
import { startMosquitto } from '../support/mosquitto.js'
import { freshDirectory, openHq, openLedger, openShop, sell, upTo } from '../support/shop.js'
import { until } from '../support/until.js'

t.setTimeout(600_000)

const PATIENCE_MS = 15_000

t.test('at first as much as HQ takes', async t => {
  const pacing = new Pacing({ patienceMs: PATIENCE_MS })
  t.equal(pacing.batchBytes, LIMITS.batchBytes)
  t.same(
    [2, 8, 100].map(offered => pacing.creditOf(offered)),
    [2, 8, 8],
  )
})

t.test('silence and late receipts make it less, quick ones more again', async t => {
  const pacing = new Pacing({ patienceMs: PATIENCE_MS })
  pacing.unanswered({ sentMs: 0, nowMs: PATIENCE_MS })
  t.equal(pacing.creditOf(8), 2)
  t.equal(pacing.batchBytes, LIMITS.batchBytes / 2)
  pacing.unanswered({ sentMs: 20_000, nowMs: 40_000 })
  t.equal(pacing.batchBytes, LIMITS.uplinkInFlightBytes / 128)
  pacing.answered({ sentMs: 41_000, nowMs: 49_000 })
  t.equal(pacing.batchBytes, LIMITS.uplinkInFlightBytes / 256, 'late')
  pacing.answered({ sentMs: 42_000, nowMs: 50_000 })
  t.equal(pacing.batchBytes, LIMITS.uplinkInFlightBytes / 256, 'sent before that was known')
  pacing.answered({ sentMs: 49_000, nowMs: 54_000 })
  t.equal(pacing.batchBytes, LIMITS.uplinkInFlightBytes / 256, 'just right')
  pacing.answered({ sentMs: 55_000, nowMs: 55_100 })
  t.equal(pacing.batchBytes, LIMITS.uplinkInFlightBytes / 128, 'quick')
})

t.test('a link that was cut says nothing about how much it carries', async t => {
  const pacing = new Pacing({ patienceMs: PATIENCE_MS })
  pacing.unanswered({ sentMs: 0, nowMs: 1_000 })
  t.equal(pacing.creditOf(8), 8)
})

t.test('never nothing, never more than the limit', async t => {
  const pacing = new Pacing({ patienceMs: PATIENCE_MS })
  for (let n = 0; n < 20; n += 1) pacing.unanswered({ sentMs: n, nowMs: n + PATIENCE_MS })
  t.equal(pacing.batchBytes, LIMITS.uplinkLeastBytes / 2)
  t.equal(pacing.creditOf(8), 2)
  for (let n = 1; n < 20; n += 1) pacing.answered({ sentMs: n * 1e6, nowMs: n * 1e6 + 1 })
  t.equal(pacing.batchBytes, LIMITS.batchBytes)
  t.equal(pacing.creditOf(8), 8)
})

t.test('a link too slow for a batch of full size gets small ones through', async t => {
  const broker = await startMosquitto()
  t.teardown(() => broker.stop())
  const link = await openLinkFault({ target: broker.port })
  t.teardown(() => link.close())
  // A full batch of these sales has about 5 kB behind gzip: it is never there in time.
  link.slow({ bytesPerSecond: 2500 })
  const patience = { receiptMs: 2000 }
  const shop = await openShop(t, { port: link.port, patience, pubackMs: 2000, connectMs: 2000 })
  await sell(shop.journal, upTo(500))
  openHq(t, { port: broker.port, ledger: await openLedger(freshDirectory(t)) })
  await until('all is confirmed', () => shop.journal.statistics().backlog === 0)
})
