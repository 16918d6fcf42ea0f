import t from 'tap'
import { batchOf, makeEpoch } from '../../support/chain.js'
import { startPostgres } from '../../support/postgres.js'
import { openPostgresLink } from '../../support/postgres-link.js'
import { newRandom, sale } from '../../support/sample.js'
import { until } from '../../support/until.js'
import { ledgerAt } from './open.js'

const postgres = await startPostgres()
t.teardown(() => postgres.stop())
t.setTimeout(600_000)

t.test('commits cut off in the middle hold up their store once, not one by one', async t => {
  const url = await postgres.url(t.name)
  const far = await openPostgresLink(url)
  const [lost, ledger] = await Promise.all([ledgerAt(far.url), ledgerAt(url)])
  const events = Array.from({ length: 20 }, (_, number) => sale({ number }))
  const epoch = makeEpoch({ random: newRandom(t), events })
  const batch = (seq: number) => batchOf(epoch, { first: seq, last: seq })
  await ledger.commit(batch(1))
  const holder = await postgres.session(url)
  await holder.query('BEGIN; SELECT FROM tillbridge.stores FOR UPDATE')
  const cutOff = [2, 3, 4, 5, 6, 7, 8, 9].map(seq => lost.commit(batch(seq)).catch(() => undefined))
  await until('they wait for their store', async () => {
    const waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    return (await postgres.query(url, waiting)).length === cutOff.length
  })
  // PostgreSQL goes on with each of them, and never hears the next word.
  far.link.halfOpen('there')
  await holder.query('ROLLBACK')
  const fromMs = performance.now()
  await until(
    'the store is free',
    () =>
      ledger.commit(batch(10)).then(
        () => true,
        () => false,
      ),
    90_000,
  )
  const tookMs = performance.now() - fromMs
  t.ok(tookMs < 30_000, `${tookMs} ms`)
  far.link.cut()
  await Promise.all(cutOff)
  for (const seq of [2, 3, 4, 5, 6, 7, 8, 9]) await ledger.commit(batch(seq))
  const rows = await ledger.rows(0, 100)
  t.same(
    rows.map(({ header }) => header.seq).sort((left, right) => left - right),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  )
  await Promise.all([ledger.close(), lost.close(), holder.end()])
  await far.link.close()
})
