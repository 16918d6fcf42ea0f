import type { Test } from 'tap'
import { type EpochId, type StoreId, storeId } from '../../gateway/core/ids.js'
import { seededRandom } from '../../gateway/core/random.js'
import type { Ledger, LedgerRow } from '../../gateway/hq/ledger.js'
import type { Batch } from '../../gateway/wire/batch.js'
import type { EpochReceipt } from '../../gateway/wire/receipt.js'
import { GENESIS, type JournalRecord } from '../../gateway/wire/record.js'
import {
  batchesOf,
  batchOf,
  continued,
  endOf,
  gapEvent,
  makeEpoch,
  upTo,
} from '../support/chain.js'
import { below, NOON_MS, newRandom, STORE, sale, shuffled } from '../support/sample.js'
import { testEvidence } from './ledger-evidence.js'
import { testTracking } from './ledger-tracking.js'
import { testUpkeep } from './ledger-upkeep.js'
import { freshLedger, type OpenLedger } from './open-ledger.js'

const QUIET = { duplicates: 0, conflicts: 0, repeated: 0, alarms: [] }

/** What every ledger keeps: the suite for whatever implements it. */
export function testLedger(t: Test, open: OpenLedger): void {
  testCommits(t, open)
  testCoverage(t, open)
  testDedupe(t, open)
  testOrders(t, open)
  testChain(t, open)
  testEnds(t, open)
  testGaps(t, open)
  testOutbox(t, open)
  testUpkeep(t, open)
  testEvidence(t, open)
  testTracking(t, open)
}

async function receiptOf(
  ledger: Ledger,
  store: StoreId,
  held?: ReadonlySet<EpochId>,
): Promise<readonly EpochReceipt[]> {
  return (await ledger.receipt(store, held)).epochs
}

const sales = (count: number, from = 1) =>
  Array.from({ length: count }, (_, index) => sale({ number: from + index }))

/** What does not depend on the order of commits. */
function facts(rows: readonly LedgerRow[]): readonly string[] {
  return rows.map(({ header, hash }) => `${header.epoch}/${header.seq} ${hash}`).sort()
}

function testCommits(t: Test, open: OpenLedger): void {
  t.test('what is committed stands as it was sent, over restarts', async t => {
    const place = t.testdir()
    const epoch = makeEpoch({ random: seededRandom(1), events: sales(9) })
    const before = await open(place)
    t.match(await before.generation(), { ledger: /^[0-9a-f]{32}$/, since: /Z$/ })
    t.same(await before.commit(batchOf(epoch, { first: 1, last: 4 })), { ...QUIET, stored: 4 })
    const late = batchOf(epoch, { first: 5, last: 10, historical: true })
    t.same(await before.commit(late), { ...QUIET, stored: 6 })
    const receipt = [{ epoch: epoch.epoch, upTo: 10, missing: [] }]
    t.same(await receiptOf(before, STORE), receipt)
    const generation = await before.generation()
    await before.close()
    const ledger = await open(place)
    t.teardown(() => ledger.close())
    t.same(await ledger.generation(), generation)
    t.same(await receiptOf(ledger, STORE), receipt)
    t.same(await receiptOf(ledger, storeId('store-002')), [])
    const rows = await ledger.rows(0, 100)
    const expected = epoch.records.map((record, index) => ({
      position: index + 1,
      store: STORE,
      header: record.header,
      hash: record.hash,
      event: record.body.type === 'event' ? Buffer.from(record.body.bytes) : undefined,
      kind: 'event',
      historical: index >= 4,
      recordedMs: NOON_MS,
    }))
    const read = rows.map(row => ({ ...row, event: row.event && Buffer.from(row.event) }))
    t.same(read, expected)
    t.same(
      (await ledger.rows(3, 2)).map(({ position }) => position),
      [4, 5],
    )
    t.same(await ledger.rows(10, 5), [])
    t.same(await ledger.rows(0, 0), [])
  })
}

function testCoverage(t: Test, open: OpenLedger): void {
  t.test('a gap is missing until it is filled', async t => {
    const ledger = await freshLedger(t, open)
    const epoch = makeEpoch({ random: seededRandom(1), events: sales(19) })
    const id = epoch.epoch
    await ledger.commit(batchOf(epoch, { first: 11, last: 15 }))
    t.same(await receiptOf(ledger, STORE), [{ epoch: id, upTo: 15, missing: [[1, 10]] }])
    await ledger.commit(batchOf(epoch, { first: 3, last: 4 }))
    t.same(await receiptOf(ledger, STORE), [
      {
        epoch: id,
        upTo: 15,
        missing: [
          [1, 2],
          [5, 10],
        ],
      },
    ])
    const across = await ledger.commit(batchOf(epoch, { first: 2, last: 20 }))
    t.same(across, { ...QUIET, stored: 12, repeated: 7 })
    await ledger.commit(batchOf(epoch, { first: 1, last: 1 }))
    t.same(await receiptOf(ledger, STORE), [{ epoch: id, upTo: 20, missing: [] }])
  })

  t.test('an evicted record keeps its place', async t => {
    const ledger = await freshLedger(t, open)
    const epoch = makeEpoch({ random: seededRandom(1), events: sales(2) })
    const records = epoch.records.map((record): JournalRecord => {
      if (record.header.seq !== 2) return record
      return { ...record, body: { type: 'evicted', digest: 'ab'.repeat(32) } }
    })
    t.match(await ledger.commit(batchOf({ ...epoch, records }, { first: 1, last: 3 })), {
      stored: 3,
    })
    const kinds = (await ledger.rows(0, 9)).map(({ kind, event }) => [kind, event === undefined])
    t.same(kinds, [
      ['event', false],
      ['evicted', true],
      ['event', false],
    ])
    t.same(
      (await ledger.outbox(9)).map(({ position }) => position),
      [1, 3],
    )
  })
}

function testDedupe(t: Test, open: OpenLedger): void {
  t.test('the same event at another place is a duplicate, other data a conflict', async t => {
    const ledger = await freshLedger(t, open)
    const random = seededRandom(1)
    const other = sale({ number: 1, totalMinor: 999 })
    const first = makeEpoch({ random, events: [sale({ number: 1 }), sale({ number: 1 })] })
    const result = await ledger.commit(batchOf(first, { first: 1, last: 3 }))
    t.same(result, { ...QUIET, stored: 2, duplicates: 1 })
    const events = [sale({ number: 1 }), other, other]
    const second = makeEpoch({ random, ordinal: 2, after: endOf(first), events })
    const next = await ledger.commit(batchOf(second, { first: 1, last: 4 }))
    t.same(next, { ...QUIET, stored: 1, duplicates: 2, conflicts: 1 })
    const kinds = (await ledger.rows(0, 99)).map(({ kind }) => kind)
    const expected = ['event', 'event', 'duplicate', 'event', 'duplicate', 'conflict', 'duplicate']
    t.same(kinds, expected)
  })

  t.test('no store can claim the events of another', async t => {
    const ledger = await freshLedger(t, open)
    const random = seededRandom(1)
    const rogue = storeId('store-666')
    const forged = makeEpoch({ random, store: rogue, events: [sale({ number: 1, totalMinor: 1 })] })
    const result = await ledger.commit(batchOf(forged, { first: 1, last: 2, store: rogue }))
    t.match(result, { stored: 2, alarms: [/store-666.*record 2.*another store/] })
    const honest = makeEpoch({ random, events: sales(1) })
    t.same(await ledger.commit(batchOf(honest, { first: 1, last: 2 })), { ...QUIET, stored: 2 })
  })

  t.test('bytes that are no event are kept, and said', async t => {
    const ledger = await freshLedger(t, open)
    const epoch = makeEpoch({ random: seededRandom(1), events: sales(2) })
    const texts = ['', '{"id":1}', `{"data":${'['.repeat(5000)}${']'.repeat(5000)}}`]
    const records = epoch.records.map(
      (record, index): JournalRecord => ({
        ...record,
        body: { type: 'event', bytes: Buffer.from(texts[index] ?? '') },
      }),
    )
    const result = await ledger.commit(batchOf({ ...epoch, records }, { first: 2, last: 3 }))
    t.match(result, { stored: 2, alarms: [/record 2 holds no event/] })
    t.equal((await ledger.rows(0, 9)).length, 2)
  })
}

function testOrders(t: Test, open: OpenLedger): void {
  t.test('batches in any order, twice and at once give the same rows and ranges', async t => {
    const random = newRandom(t)
    const first = makeEpoch({ random, events: [...sales(60), ...sales(10)] })
    const second = makeEpoch({ random, ordinal: 2, after: endOf(first), events: sales(40, 30) })
    const epochs = [first, second]
    const records = epochs.flatMap(epoch => epoch.records)
    const hashes = records.map(({ header, hash }) => `${header.epoch}/${header.seq} ${hash}`)
    for (let round = 0; round < 8; round += 1) {
      const ledger = await open(`${t.testdir({ [`round-${round}`]: {} })}/round-${round}`)
      const size = 1 + below(random, 12)
      const batches = shuffled(
        random,
        epochs.flatMap(epoch => [...batchesOf(epoch, size), ...batchesOf(epoch, size + 3)]),
      )
      const results = await Promise.all(batches.map(batch => ledger.commit(batch)))
      t.same(
        results.flatMap(({ alarms }) => alarms),
        [],
        `batches of ${size}: no alarm`,
      )
      const rows = await ledger.rows(0, 1000)
      t.same(facts(rows), [...hashes].sort(), `${rows.length} rows`)
      t.same(
        rows.map(({ position }) => position),
        rows.map((_, index) => index + 1),
      )
      t.same(
        await receiptOf(ledger, STORE),
        epochs.map(({ epoch, records }) => ({ epoch, upTo: records.length, missing: [] })),
      )
      const kinds = rows.filter(({ kind }) => kind === 'event').length
      t.equal(kinds, 2 + 69, 'each sale is one event, whichever record came first')
      await ledger.close()
    }
  })

  t.test('a receipt for the epochs that a store holds names no others, oldest first', async t => {
    const ledger = await freshLedger(t, open)
    const epochs = [2, 10, 1, 3].map(ordinal =>
      makeEpoch({ random: seededRandom(ordinal), ordinal, events: sales(ordinal) }),
    )
    for (const epoch of epochs)
      await ledger.commit(batchOf(epoch, { first: 1, last: epoch.records.length }))
    const [two, ten, one] = epochs.map(({ epoch }) => epoch)
    const unknown = makeEpoch({ random: seededRandom(9), ordinal: 11, events: [] }).epoch
    const held = new Set([ten, unknown, two].filter(epoch => epoch !== undefined))
    t.match(await receiptOf(ledger, STORE, held), [
      { epoch: two, upTo: 3 },
      { epoch: ten, upTo: 11 },
    ])
    t.equal((await receiptOf(ledger, STORE, held)).length, 2, 'of the unknown one nothing')
    t.same(await receiptOf(ledger, STORE, new Set()), [])
    t.same(await receiptOf(ledger, storeId('store-002'), held), [], "another store's")
    const all = await receiptOf(ledger, STORE)
    t.same([all.length, all[0]?.epoch], [4, one])
  })

  t.test('stores do not disturb each other', async t => {
    const ledger = await freshLedger(t, open)
    const stores = ['store-001', 'store-0010', 'store-002'].map(storeId)
    const epochs = stores.map((store, index) => ({
      store,
      epoch: makeEpoch({ random: seededRandom(index), store, events: [] }),
    }))
    await Promise.all(
      epochs.map(({ store, epoch }) => ledger.commit(batchOf(epoch, { first: 1, last: 1, store }))),
    )
    for (const { store, epoch } of epochs)
      t.same(await receiptOf(ledger, store), [{ epoch: epoch.epoch, upTo: 1, missing: [] }])
  })
}

function testChain(t: Test, open: OpenLedger): void {
  t.test('a fork is kept and alarmed, once', async t => {
    const ledger = await freshLedger(t, open)
    const trunk = makeEpoch({ random: seededRandom(1), events: sales(5) })
    const fork = continued(upTo(trunk, 3), sales(4, 100))
    t.same(await ledger.commit(batchOf(trunk, { first: 1, last: 6 })), { ...QUIET, stored: 6 })
    const forked = await ledger.commit(batchOf(fork, { first: 1, last: 7 }))
    t.match(forked, {
      stored: 4,
      repeated: 3,
      alarms: [/from record 4 on/, /between records 6 and 7/],
    })
    t.equal((await ledger.rows(0, 99)).length, 10, 'both are there')
    t.same(await receiptOf(ledger, STORE), [{ epoch: trunk.epoch, upTo: 7, missing: [] }])
    for (const batch of [
      batchOf(fork, { first: 1, last: 7 }),
      batchOf(trunk, { first: 1, last: 6 }),
    ])
      t.match(await ledger.commit(batch), { stored: 0, alarms: [], repeated: batch.header.count })
  })

  t.test('a break is found when ranges meet, whichever came first', async t => {
    const whole = makeEpoch({ random: seededRandom(1), events: sales(9) })
    const altered = {
      ...whole,
      records: makeEpoch({
        random: seededRandom(1),
        events: [sale({ number: 77 }), ...sales(8, 2)],
      }).records,
    }
    const parts: readonly Batch[] = [
      batchOf(whole, { first: 1, last: 4 }),
      batchOf(altered, { first: 5, last: 8 }),
      batchOf(altered, { first: 9, last: 10 }),
    ]
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 0, 2],
      [0, 2, 1],
    ]) {
      const ledger = await open(`${t.testdir({ [order.join('')]: {} })}/${order.join('')}`)
      const alarms: string[] = []
      for (const index of order)
        alarms.push(...((parts[index] && (await ledger.commit(parts[index])).alarms) ?? []))
      t.match(alarms, [/breaks between records 4 and 5/], `order ${order}`)
      t.equal(alarms.length, 1)
      await ledger.close()
    }
  })
}

function testEnds(t: Test, open: OpenLedger): void {
  const random = seededRandom(1)
  const whole = makeEpoch({ random, events: sales(9) })
  const short = makeEpoch({ random, ordinal: 2, after: endOf(upTo(whole, 6)), events: [] })
  const sound = makeEpoch({ random, ordinal: 2, after: endOf(whole), events: [] })
  const twin = makeEpoch({ random, ordinal: 2, after: endOf(whole), events: [] })
  const liar = { ...endOf(whole), head: 'ab'.repeat(32) }
  const foreign = makeEpoch({ random, events: sales(2, 50) })
  const replaced = makeEpoch({ random, ordinal: 2, after: liar, events: [] })
  const old = batchOf(whole, { first: 1, last: 10 })
  const cases: readonly { title: string; batches: readonly Batch[]; alarms: readonly RegExp[] }[] =
    [
      { title: 'a sound end', batches: [old, batchOf(sound, { first: 1, last: 1 })], alarms: [] },
      {
        title: 'the store lost its tail',
        batches: [old, batchOf(short, { first: 1, last: 1 })],
        alarms: [/holds record 10, the store says that it ended at 6/],
      },
      {
        title: 'the last record is another',
        batches: [old, batchOf(replaced, { first: 1, last: 1 })],
        alarms: [/record 10 is not the one/],
      },
      {
        title: 'two epochs continue the same one',
        batches: [old, batchOf(sound, { first: 1, last: 1 }), batchOf(twin, { first: 1, last: 1 })],
        alarms: [/both .* and .* continue it/],
      },
      {
        title: 'a new journal without the old one',
        batches: [old, batchOf(foreign, { first: 1, last: 3 })],
        alarms: [/1-\w+ started a new journal without the old one; epochs 1-\w+ ends at (10|3) /],
      },
      {
        title: 'a backlog that arrives behind what was live',
        batches: [batchOf(sound, { first: 1, last: 1 }), old],
        alarms: [],
      },
      {
        title: 'an epoch that continues another chain than it names',
        batches: [batchOf({ ...sound, previous: GENESIS }, { first: 1, last: 1 })],
        alarms: [/does not continue the chain that it names/],
      },
    ]
  for (const { title, batches, alarms } of cases)
    t.test(`${title}: ${alarms.length} alarms, in either order`, async t => {
      for (const order of [batches, [...batches].reverse()]) {
        const name = String(batches === order)
        const ledger = await open(`${t.testdir({ true: {}, false: {} })}/${name}`)
        const heard: string[] = []
        for (const batch of order) heard.push(...(await ledger.commit(batch)).alarms)
        t.equal(heard.length, alarms.length, heard.join('\n'))
        t.match(heard, alarms)
        await ledger.close()
      }
    })
}

function testGaps(t: Test, open: OpenLedger): void {
  t.test('what a store says that it lost is alarmed, and stays missing', async t => {
    const ledger = await freshLedger(t, open)
    const random = seededRandom(3)
    const damaged = makeEpoch({ random, events: sales(20) })
    const lost = (first: number, last: number) => gapEvent(damaged.epoch, first, last)
    const after = makeEpoch({
      random,
      ordinal: 2,
      after: endOf(damaged),
      events: [lost(5, 9), lost(15, 16)],
    })
    t.same((await ledger.commit(batchOf(damaged, { first: 1, last: 4 }))).alarms, [])
    t.same((await ledger.commit(batchOf(damaged, { first: 7, last: 7 }))).alarms, [])
    t.same((await ledger.commit(batchOf(damaged, { first: 10, last: 21 }))).alarms, [])
    const { alarms } = await ledger.commit(batchOf(after, { first: 1, last: 3 }))
    t.equal(alarms.length, 2)
    t.match(alarms[0], /store-001.*5 to 9 are lost.*\(bits\); 4 of.*never came.*: 5 to 6, 8 to 9\./)
    t.match(alarms[1], /15 to 16 are lost there \(bits\); all of them are here\./)
    t.match(await receiptOf(ledger, STORE), [
      {
        epoch: damaged.epoch,
        upTo: 21,
        missing: [
          [5, 6],
          [8, 9],
        ],
      },
      { epoch: after.epoch, upTo: 3, missing: [] },
    ])
    const again = await ledger.commit(batchOf(after, { first: 1, last: 3 }))
    t.same(again.alarms, [], 'said once')
  })
}

function testOutbox(t: Test, open: OpenLedger): void {
  t.test('events and conflicts wait in the outbox in order of commit, over restarts', async t => {
    const place = t.testdir()
    const random = seededRandom(1)
    const events = [sale({ number: 1 }), sale({ number: 1 }), sale({ number: 1, totalMinor: 5 })]
    const epoch = makeEpoch({ random, events })
    const before = await open(place)
    await before.commit(batchOf(epoch, { first: 1, last: 4 }))
    const waiting = async (ledger: Ledger, limit = 99): Promise<number[]> =>
      (await ledger.outbox(limit)).map(({ position }) => position)
    t.same(await waiting(before), [1, 2, 4])
    t.same(await waiting(before, 2), [1, 2])
    await before.fannedOut(2)
    t.same(await waiting(before), [4])
    await before.close()
    const ledger = await open(place)
    t.teardown(() => ledger.close())
    t.same(await waiting(ledger), [4])
    await ledger.fannedOut(4)
    await ledger.fannedOut(1)
    t.same(await waiting(ledger), [], 'never backwards')
    await ledger.fannedOut(99)
    const next = makeEpoch({ random, ordinal: 2, after: endOf(epoch), events: [] })
    await ledger.commit(batchOf(next, { first: 1, last: 1 }))
    t.same(await waiting(ledger), [5], 'what was never committed was never published')
  })
}
