import t, { type Test } from 'tap'
import { seededRandom } from '../../../gateway/core/random.js'
import type { Ledger } from '../../../gateway/hq/ledger.js'
import type { JournalRecord } from '../../../gateway/wire/record.js'
import { batchesOf, batchOf, type Epoch, endOf, makeEpoch } from '../../support/chain.js'
import { startPostgres } from '../../support/postgres.js'
import { NOON_MS, newRandom, STORE, sale, shuffled } from '../../support/sample.js'
import { until } from '../../support/until.js'
import { ledgerAt } from './open.js'

const postgres = await startPostgres()
t.teardown(() => postgres.stop())

const random = seededRandom(1)

const sales = (count: number, from = 1) =>
  Array.from({ length: count }, (_, index) => sale({ number: from + index }))

async function open(t: Test, url: string, now?: { wallMs: number }): Promise<Ledger> {
  const ledger = await ledgerAt(url, now)
  t.teardown(() => ledger.close())
  return ledger
}

async function positions(ledger: Ledger): Promise<readonly number[]> {
  return (await ledger.rows(0, 1000)).map(({ position }) => position)
}

/** Has the database fail the next inserts into a table with this SQLSTATE. */
function failing(table: string, state: string, times: number): string {
  return `
    CREATE SEQUENCE failures;
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF nextval('failures') <= ${times} THEN
        RAISE 'planted' USING ERRCODE = '${state}'; END IF;
      RETURN NEW; END $$;
    CREATE TRIGGER fail BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION fail()`
}

t.test(
  'a server killed under many commits: what was confirmed stands, the rest comes again',
  async t => {
    const random = newRandom(t)
    const url = await postgres.url(t.name)
    const ledger = await open(t, url)
    const epoch = makeEpoch({ random, events: sales(300) })
    const batches = shuffled(random, batchesOf(epoch, 7))
    const confirmed = new Set<number>()
    let isKilled = false
    let failed = 0
    for (const batch of batches) {
      const { first, count } = batch.header
      const work = ledger.commit(batch).then(
        () => {
          for (let seq = first; seq < first + count; seq += 1) confirmed.add(seq)
        },
        thrown => {
          failed += 1
          t.match(thrown, { code: 'TB_LEDGER_WRITE', message: /^the database: / })
        },
      )
      if (confirmed.size > 100 && !isKilled) {
        isKilled = true
        await Promise.all([work, postgres.kill()])
        t.ok(failed <= 1)
        await t.rejects(ledger.commit(batch), { code: 'TB_LEDGER_WRITE', message: /is it running/ })
        await t.rejects(ledger.receipt(STORE), { code: 'TB_LEDGER_UNREACHABLE' })
        await postgres.start()
        const rows = await ledger.rows(0, 1000)
        const kept = new Set(rows.map(({ header }) => header.seq))
        t.same(
          [...confirmed].filter(seq => !kept.has(seq)),
          [],
          'it comes back by itself, with all that was confirmed',
        )
      }
      await work
    }
    t.ok(isKilled)
    for (const batch of batches) await ledger.commit(batch)
    t.match((await ledger.receipt(STORE)).epochs, [{ upTo: 301, missing: [] }])
    t.same(
      await positions(ledger),
      epoch.records.map((_, index) => index + 1),
    )
  },
)

t.test(
  'a database that hangs fails the commit in time, and is used again when it answers',
  async t => {
    const url = await postgres.url(t.name)
    const ledger = await open(t, `${url}&query_timeout=2000&connectionTimeoutMillis=2000`)
    const epoch = makeEpoch({ random, events: sales(3) })
    await ledger.commit(batchOf(epoch, { first: 1, last: 2 }))
    const rest = batchOf(epoch, { first: 3, last: 4 })
    postgres.freeze()
    await t.rejects(ledger.commit(rest), { code: 'TB_LEDGER_WRITE' })
    postgres.thaw()
    await until('it is committed', () =>
      ledger.commit(rest).then(
        () => true,
        () => false,
      ),
    )
    t.same(await positions(ledger), [1, 2, 3, 4])
  },
)

for (const state of ['40001', '40P01'])
  t.test(`a commit that others got in the way of (${state}) is tried again`, async t => {
    const url = await postgres.url(t.name)
    const ledger = await open(t, url)
    await postgres.query(url, failing('tillbridge.batches', state, 3))
    const epoch = makeEpoch({ random, events: sales(2) })
    t.match(await ledger.commit(batchOf(epoch, { first: 1, last: 3 })), { stored: 3, repeated: 0 })
    t.same(await positions(ledger), [1, 2, 3])
  })

t.test('other failures are told, keep nothing, and pass', async t => {
  const cases = [
    ['tillbridge.batches', '53100', /free space on the database's machine/],
    ['tillbridge.rows', '42501', /make it the owner/],
    ['tillbridge.identities', '25006', /connect to the primary/],
  ] as const
  for (const [table, state, message] of cases) {
    const url = await postgres.url(`${t.name} ${state}`)
    const ledger = await open(t, url)
    await postgres.query(url, failing(table, state, 1))
    const epoch = makeEpoch({ random, events: sales(2) })
    const batch = batchOf(epoch, { first: 1, last: 3 })
    await t.rejects(ledger.commit(batch), { code: 'TB_LEDGER_WRITE', message })
    t.same((await ledger.receipt(STORE)).epochs, [])
    t.same(await positions(ledger), [])
    t.match(await ledger.commit(batch), { stored: 3 })
    t.same(await positions(ledger), [1, 2, 3])
  }
})

t.test('a closed ledger stays closed', async t => {
  const ledger = await ledgerAt(await postgres.url(t.name))
  const epoch = makeEpoch({ random, events: [] })
  const last = ledger.commit(batchOf(epoch, { first: 1, last: 1 }))
  await Promise.all([ledger.close(), ledger.close()])
  t.match(await last, { stored: 1 }, 'what was under way is awaited')
  const closed = { code: 'TB_LEDGER_WRITE', message: 'the ledger is closed' }
  await t.rejects(ledger.commit(batchOf(epoch, { first: 1, last: 1 })), closed)
})

const months = (url: string) =>
  postgres.query<{ name: string }>(
    url,
    `SELECT relname AS name FROM pg_inherits JOIN pg_class AS part ON part.oid = inhrelid
      WHERE inhparent = 'tillbridge.rows'::regclass ORDER BY 1`,
  )

t.test('months are made ahead, and where the clock jumps, when they are needed', async t => {
  const url = await postgres.url(t.name)
  const now = { wallMs: Date.UTC(2026, 10, 30, 23, 59, 59, 999) }
  const ledger = await open(t, url, now)
  const epoch = makeEpoch({ random, events: sales(9) })
  const commit = (seq: number) => ledger.commit(batchOf(epoch, { first: seq, last: seq }))
  await commit(1)
  const name = (month: string) => ({ name: `rows_${month}` })
  t.same(await months(url), ['2026_11', '2026_12', '2027_01'].map(name))
  now.wallMs += 1
  await commit(2)
  t.same(await months(url), ['2026_11', '2026_12', '2027_01', '2027_02'].map(name))
  now.wallMs = 0
  await commit(3)
  now.wallMs = Date.UTC(2099, 11, 31)
  await commit(4)
  t.match(await months(url), { length: 10 })
  const rows = await ledger.rows(0, 9)
  t.same(
    rows.map(({ header, recordedMs }) => [header.seq, recordedMs]),
    [
      [1, Date.UTC(2026, 11, 1) - 1],
      [2, Date.UTC(2026, 11, 1)],
      [3, 0],
      [4, Date.UTC(2099, 11, 31)],
    ],
    'in the order of commit, whatever the clock said',
  )
  await postgres.query(url, 'DROP TABLE tillbridge.rows_2100_01')
  now.wallMs = Date.UTC(2100, 0, 1)
  t.match(await commit(5), { stored: 1, alarms: [] }, 'one that is gone is made again')
})

t.test('a later month that cannot be made is said, once, and stops nothing', async t => {
  const url = await postgres.url(t.name)
  const now = { wallMs: NOON_MS }
  const ledger = await open(t, url, now)
  const epoch = makeEpoch({ random, events: sales(9) })
  const commit = (seq: number) => ledger.commit(batchOf(epoch, { first: seq, last: seq }))
  await postgres.query(
    url,
    `CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE 'no more tables'; END $$;
      CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('CREATE TABLE')
        EXECUTE FUNCTION refuse()`,
  )
  now.wallMs = Date.UTC(2026, 11, 5)
  t.match(await commit(1), { stored: 1, alarms: [/no partition for 2027-02-01.*no more tables/] })
  t.match(await commit(2), { stored: 1, alarms: [] })
  now.wallMs = Date.UTC(2027, 1, 1)
  await t.rejects(commit(3), { code: 'TB_LEDGER_WRITE', message: /no more tables/ })
  await postgres.query(url, 'DROP EVENT TRIGGER refuse')
  t.match(await commit(3), { stored: 1, alarms: [] })
})

t.test('a month that was detached is known all the same', async t => {
  const url = await postgres.url(t.name)
  const now = { wallMs: NOON_MS }
  const ledger = await open(t, url, now)
  const epoch = makeEpoch({ random, events: sales(2) })
  await ledger.commit(batchOf(epoch, { first: 1, last: 3 }))
  await ledger.fannedOut(3, [2])
  now.wallMs = Date.UTC(2027, 0, 1)
  const next = makeEpoch({ random, ordinal: 2, after: endOf(epoch), events: sales(3) })
  await postgres.query(url, 'ALTER TABLE tillbridge.rows DETACH PARTITION tillbridge.rows_2026_11')
  t.match(await ledger.commit(batchOf(next, { first: 1, last: 4 })), { stored: 2, duplicates: 2 })
  t.same(await positions(ledger), [4, 5, 6, 7])
  t.match((await ledger.receipt(STORE)).epochs, [{ upTo: 3, missing: [] }, { upTo: 4 }])
  t.same(await ledger.shelf(0, 9), [])
})

/** The epoch with other bytes at some records; its chain is not made anew. */
function withBytes(epoch: Epoch, texts: readonly (string | Uint8Array)[]): Epoch {
  const records = epoch.records.map((record, index): JournalRecord => {
    const text = texts[index - 1]
    if (text === undefined) return record
    return { ...record, body: { type: 'event', bytes: Buffer.from(text) } }
  })
  return { ...epoch, records }
}

t.test('no event is too strange to be kept as it is', async t => {
  const url = await postgres.url(t.name)
  const ledger = await open(t, url)
  const event = (data: string) =>
    `{"id":"x","source":"s","store":"${STORE}","data":${data},"n":"\\\\u0000"}`
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
  const texts = [
    event('"\\u0000"'),
    event('"\\ud800 \\ud83d\\ude00 \\u001f"'),
    event('1e400000'),
    event(`0.${'1'.repeat(20_000)}`),
    event(deep),
    Buffer.from(event('"\xff\xfe"'), 'latin1'),
    '\0',
    'null',
    event('"plain"'),
  ]
  const epoch = withBytes(makeEpoch({ random, events: sales(texts.length) }), texts)
  const count = epoch.records.length
  t.match(await ledger.commit(batchOf(epoch, { first: 1, last: count })), { repeated: 0 })
  const rows = await ledger.rows(1, 99)
  t.same(
    rows.map(({ event }) => Buffer.from(event ?? []).toString('latin1')),
    texts.map(text => Buffer.from(text).toString('latin1')),
  )
  const bodies = await postgres.query<{ data: string | null; n: string | null }>(
    url,
    `SELECT body->>'data' AS data, body->>'n' AS n FROM tillbridge.rows WHERE nth > 0 ORDER BY nth`,
  )
  t.same(
    bodies.map(({ data }) => data?.slice(0, 9) ?? null),
    ['\ufffd', '\ufffd 😀 \x1f', null, '0.1111111', null, '\ufffd\ufffd', null, null, 'plain'],
  )
  t.same(
    bodies.map(({ n }) => n).filter(n => n !== null),
    Array.from({ length: 6 }, () => '\\u0000'),
  )
  const [whole] = await postgres.query(
    url,
    'SELECT bool_and(digest = sha256(event)) AS whole FROM tillbridge.rows',
  )
  t.same(whole, { whole: true })
})

t.test('an outbox behind many rows that nobody publishes moves on', async t => {
  const url = await postgres.url(t.name)
  const ledger = await open(t, url)
  const first = makeEpoch({ random, events: sales(400) })
  await ledger.commit(batchOf(first, { first: 1, last: 401 }))
  await ledger.fannedOut(401)
  let before = first
  for (const ordinal of [2, 3, 4]) {
    const epoch = makeEpoch({ random, ordinal, after: endOf(before), events: sales(400) })
    await ledger.commit(batchOf(epoch, { first: 2, last: 401 }))
    before = epoch
  }
  t.same(await ledger.outbox(9), [])
  t.same(await postgres.query(url, 'SELECT position::int FROM tillbridge.fan_out'), [
    { position: 1601 },
  ])
  const [next] = sales(1, 1000)
  if (next === undefined) throw new Error('no sale')
  const epoch = makeEpoch({ random, ordinal: 5, after: endOf(before), events: [next] })
  await ledger.commit(batchOf(epoch, { first: 2, last: 2 }))
  t.match(await ledger.outbox(9), [{ position: 1602 }])
})
