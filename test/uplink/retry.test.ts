import t, { type Test } from 'tap'
import { type Clock, systemClock } from '../../gateway/core/clock.js'
import { newLedgerId } from '../../gateway/core/ids.js'
import { LIMITS } from '../../gateway/core/limits.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import { Uplink } from '../../gateway/uplink/uplink.js'
import { encodeLedgerGeneration } from '../../gateway/wire/hello.js'
import { encodeReceipt } from '../../gateway/wire/receipt.js'
import { journalIn } from '../journal/open.js'
import { connectionWith } from '../support/connection-with.js'
import { STORE } from '../support/sample.js'
import { ScriptedConnection } from '../support/scripted-connection.js'
import { freshDirectory, sell, TOPICS, upTo } from '../support/shop.js'
import { until } from '../support/until.js'

const RECEIPT_MS = 15_000
/** What those take here: time enough for an answer. */
const REAL_RECEIPT_MS = 100

type Hq = 'silent' | 'answers'

/** An uplink whose every pause is noted and takes no time, always the longest that it may be. */
async function hastyUplink(t: Test) {
  const journal = await journalIn(freshDirectory(t))
  await sell(journal, upTo(5))
  const hq: { mode: Hq } = { mode: 'silent' }
  const scripted = new ScriptedConnection()
  const ledger = newLedgerId(systemRandom)
  const answer = (last: number): void => {
    const epochs = last === 0 ? [] : [{ epoch: journal.epoch, upTo: last, missing: [] }]
    const payload = encodeReceipt({ v: 1, ledger, epochs, credit: 2 })
    void scripted.hear({ topic: TOPICS.receipt(STORE), payload })
  }
  const pauses: number[] = []
  let nowMs = 0
  const pause = (ms: number): number => {
    if (ms !== RECEIPT_MS) pauses.push(ms)
    return ms === RECEIPT_MS ? REAL_RECEIPT_MS : 0
  }
  const clock: Clock = {
    ...systemClock,
    monotonicMs: () => nowMs,
    sleep: (ms, signal) => systemClock.sleep(pause(ms), signal),
    after: (ms, callback) =>
      systemClock.after(pause(ms), () => {
        nowMs += ms
        callback()
      }),
  }
  const uplink = new Uplink({
    mode: 'ledger',
    store: STORE,
    topics: TOPICS,
    software: 'test',
    journal,
    connection: connectionWith(scripted, async ({ topic }) => {
      if (hq.mode === 'silent') return
      if (topic === TOPICS.hello(STORE)) answer(0)
      if (topic === TOPICS.journal(STORE)) answer(journal.epochs().at(-1)?.last ?? 0)
    }),
    clock,
    random: { ...systemRandom, unit: () => 1 },
    logger: silentLogger,
    patience: { receiptMs: RECEIPT_MS },
    retry: { firstMs: 1000, maxMs: 8000 },
  })
  t.teardown(async () => {
    await uplink.stop(500)
    await journal.close()
  })
  uplink.start()
  scripted.start()
  const announce = (): Promise<void> => {
    const payload = encodeLedgerGeneration({ ledger, since: '2026-11-22T12:00:00Z' })
    return scripted.hear({ topic: TOPICS.ledger, payload })
  }
  return { journal, hq, pauses, announce }
}

t.test('an HQ that never answers is asked less and less often', async t => {
  const { pauses } = await hastyUplink(t)
  await until('five passes', () => pauses.length >= 5)
  t.same(pauses.slice(0, 5), [1000, 2000, 4000, 8000, 8000])
})

t.test('a pass that got something confirmed starts the pauses over', async t => {
  const { journal, hq, pauses } = await hastyUplink(t)
  await until('three passes in vain', () => pauses.length >= 3)
  hq.mode = 'answers'
  await until('all is confirmed', () => journal.statistics().backlog === 0)
  await until('it has nothing to do', () => pauses.at(-1) === LIMITS.askAgainMs)
  hq.mode = 'silent'
  const before = pauses.length
  await sell(journal, [6])
  await until('the pass ends, and the next', () => pauses.length >= before + 2)
  t.same(pauses.slice(before, before + 2), [1000, 2000])
})

t.test('an HQ that says it is back is answered after one short pause', async t => {
  const { journal, hq, pauses, announce } = await hastyUplink(t)
  await until('four passes in vain', () => pauses.length >= 4)
  const before = pauses.length
  await announce()
  await until('the next pass', () => pauses.length > before)
  t.equal(pauses[before], 1000)
  hq.mode = 'answers'
  await until('all is confirmed', () => journal.statistics().backlog === 0)
})
