import t, { type Test } from 'tap'
import { type StoreId, storeId } from '../../../gateway/core/ids.js'
import { seededRandom } from '../../../gateway/core/random.js'
import type { Ledger, LedgerRow } from '../../../gateway/hq/ledger.js'
import { lockSql } from '../../../gateway/hq/postgres/connections.js'
import { batchesOf, batchOf, endOf, makeEpoch } from '../../support/chain.js'
import { startPostgres } from '../../support/postgres.js'
import { below, newRandom, sale, shuffled } from '../../support/sample.js'
import { until } from '../../support/until.js'
import { ledgerAt } from './open.js'

const postgres = await startPostgres()
t.teardown(() => postgres.stop())

async function receivers(t: Test, url: string, count: number): Promise<readonly Ledger[]> {
  const ledgers = await Promise.all(Array.from({ length: count }, () => ledgerAt(url)))
  t.teardown(async () => {
    await Promise.all(ledgers.map(ledger => ledger.close()))
  })
  return ledgers
}

const sales = (count: number, from: number) =>
  Array.from({ length: count }, (_, index) => sale({ number: from + index }))

/** Follows the ledger as an export does, from its first row, until `isOver`. */
async function follow(ledger: Ledger, isOver: () => boolean): Promise<readonly LedgerRow[]> {
  const seen: LedgerRow[] = []
  for (let last = false; !last; ) {
    last = isOver()
    const rows = await ledger.rows(seen.at(-1)?.position ?? 0, 37)
    seen.push(...rows)
    if (rows.length > 0) last = false
  }
  return seen
}

t.test('four receivers, shuffled and doubled batches: each row once, for every reader', async t => {
  const random = newRandom(t)
  const url = await postgres.url(t.name)
  const ledgers = await receivers(t, url, 4)
  const stores = ['store-001', 'store-002', 'store-003'].map(storeId)
  const epochs = stores.flatMap(store => {
    // The second epoch repeats sales of the first: one of them is the event, whichever comes first.
    const first = makeEpoch({ random, store, events: [...sales(90, 1), ...sales(9, 1)] })
    const after = endOf(first)
    const second = makeEpoch({ random, store, ordinal: 2, after, events: sales(60, 50) })
    return [first, second].map(epoch => ({ store, epoch }))
  })
  const batches = epochs.flatMap(({ store, epoch }) =>
    [1 + below(random, 9), 20].flatMap(size =>
      batchesOf(epoch, size).map(batch => ({ ...batch, header: { ...batch.header, store } })),
    ),
  )
  const [first, second] = ledgers
  if (first === undefined || second === undefined) throw new Error('no ledger')
  let isDone = false
  const readers = [first, second].map(ledger => follow(ledger, () => isDone))
  const results = await Promise.all(
    shuffled(random, batches).map(batch => ledgers[below(random, 4)]?.commit(batch)),
  )
  isDone = true
  const everything = epochs.flatMap(({ store, epoch }) =>
    epoch.records.map(({ hash }) => `${store} ${hash}`),
  )
  for (const seen of await Promise.all(readers)) {
    t.same(
      seen.map(({ position }) => position),
      seen.map((_, index) => index + 1),
      'no position behind a reader, none left out',
    )
    t.same(seen.map(({ store, hash }) => `${store} ${hash}`).sort(), [...everything].sort())
  }
  t.same(
    results.flatMap(result => result?.alarms ?? []).filter(alarm => !/another store/.test(alarm)),
    [],
  )
  const count = (kind: 'stored' | 'duplicates') =>
    results.reduce((sum, result) => sum + (result?.[kind] ?? 0), 0)
  t.equal(count('stored') + count('duplicates'), everything.length)
  for (const store of stores) await wholeIn(t, second, store)
  const [check] = await postgres.query(
    url,
    `SELECT bool_and(committed = (
        SELECT range_agg(int8range((s->>'first')::int8, (s->>'last')::int8, '[]'))
        FROM jsonb_array_elements(segments) AS s)) AS same,
      (SELECT count(*) = count(DISTINCT (store, chain, seq, hash)) FROM tillbridge.rows) AS once
    FROM tillbridge.chains`,
  )
  t.same(check, { same: true, once: true })
})

async function wholeIn(t: Test, ledger: Ledger, store: StoreId): Promise<void> {
  t.match((await ledger.receipt(store)).epochs, [
    { upTo: 100, missing: [] },
    { upTo: 61, missing: [] },
  ])
  const rows = (await ledger.rows(0, 1000)).filter(row => row.store === store)
  const events = rows.filter(({ kind, header }) => {
    return kind === 'event' && header.type === 'sale.completed'
  })
  const ids = events.map(({ event }) => /"id":"[^"]*"/.exec(String(event))?.[0])
  t.equal(new Set(ids).size, 109)
  t.equal(ids.length, 109, 'each sale is one event')
}

t.test('receivers that open an empty database together make one ledger', async t => {
  const ledgers = await receivers(t, await postgres.url(t.name), 5)
  const names = await Promise.all(ledgers.map(ledger => ledger.generation()))
  t.equal(new Set(names.map(({ ledger }) => ledger)).size, 1)
})

t.test('a store that is held up in one receiver holds up no other store', async t => {
  const url = await postgres.url(t.name)
  const [ledger] = await receivers(t, url, 1)
  const random = seededRandom(1)
  const other = storeId('store-002')
  const held = makeEpoch({ random, events: sales(1, 1) })
  const free = makeEpoch({ random, store: other, events: [] })
  await ledger?.commit(batchOf(held, { first: 1, last: 1 }))
  const frozen = await postgres.session(url)
  t.teardown(() => frozen.end())
  await frozen.query('BEGIN; SELECT FROM tillbridge.stores FOR UPDATE')
  let isCommitted = false
  const waiting = ledger?.commit(batchOf(held, { first: 2, last: 2 })).then(result => {
    isCommitted = true
    return result
  })
  t.match(await ledger?.commit(batchOf(free, { first: 1, last: 1, store: other })), { stored: 1 })
  t.notOk(isCommitted)
  await frozen.query('ROLLBACK')
  t.match(await waiting, { stored: 1 })
})

t.test('a backup begins when no commit is under way any more', async t => {
  const url = await postgres.url(t.name)
  const [ledger] = await receivers(t, url, 1)
  const epoch = makeEpoch({ random: seededRandom(1), events: sales(3, 1) })
  await ledger?.commit(batchOf(epoch, { first: 1, last: 2 }))
  const late = await postgres.session(url)
  t.teardown(() => late.end())
  // A receiver that has read which backups there are, and has not yet written.
  await late.query(`BEGIN; ${lockSql('backups', 'shared')}`)
  let isBegun = false
  const begun = ledger?.beginBackup().then(() => {
    isBegun = true
  })
  await until('the backup waits', async () => {
    const [row] = await postgres.query(
      url,
      "SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory' AND NOT granted",
    )
    return JSON.stringify(row) === '{"n":1}'
  })
  t.notOk(isBegun)
  await late.query('COMMIT')
  await begun
  t.ok(isBegun)
})

t.test('leadership passes to another receiver when its session ends', async t => {
  const url = await postgres.url(t.name)
  const [one, two] = await receivers(t, url, 2)
  const leading = await one?.lead()
  t.ok(leading)
  t.equal(await two?.lead(), undefined)
  await postgres.query(
    url,
    `SELECT pg_terminate_backend(pid) FROM pg_locks
      WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid()`,
  )
  await until('the loss is known', () => leading?.lost.aborted === true)
  const next = await two?.lead()
  t.equal(next?.lost.aborted, false)
  await leading?.resign()
  t.equal(await one?.lead(), undefined, 'who has lost it has nothing to give away')
  await two?.close()
  t.equal(next?.lost.aborted, true)
  t.ok(await one?.lead())
})
