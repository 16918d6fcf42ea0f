import t from 'tap'
import { loadBroker } from './load.js'

/** Of a client of the configuration that says nothing else. */
const MESSAGES_PER_SECOND = 100

t.test('tills sell beside a client that does everything wrong: each sale once', async t => {
  const report = await loadBroker({ clients: 20, perSecond: 100, seconds: 3 })
  const { sent, acknowledged, journaled, doubled, refused } = report
  t.match(
    { sent, acknowledged, journaled, doubled },
    {
      sent: 300,
      acknowledged: 300,
      journaled: 300,
      doubled: 0,
    },
  )
  const [cut, large] = refused.oversize
  t.equal(cut, large, 'each publisher of 20 MB is cut')
  t.ok(large > 0)
  const [closed, silent] = refused.silent
  t.ok(closed >= silent - 64, `${closed} of ${silent} that said nothing are closed`)
  const [heard, loud, inMs] = refused.loud
  // As many as a client may say at once, and then so many a second.
  const most = Math.min(loud, MESSAGES_PER_SECOND * (1 + inMs / 1000))
  t.ok(heard <= most, `${heard} of ${loud} of one that is loud, in ${inMs} ms`)
  t.ok(refused.isGreedyFilterRefused)
})
