import type { Test } from 'tap'
import { storeId } from '../../gateway/core/ids.js'
import { seededRandom } from '../../gateway/core/random.js'
import { batchOf, endOf, makeEpoch } from '../support/chain.js'
import { documentEvents } from '../support/document-events.js'
import { alarm, selfTested } from '../support/gateway-events.js'
import { NOON_MS, STORE, sale } from '../support/sample.js'
import { freshLedger, type OpenLedger } from './open-ledger.js'

/** What people ask a ledger who look for one fact, or for an old price. */
export function testTracking(t: Test, open: OpenLedger): void {
  testPublication(t, open)
  testDocuments(t, open)
  testVersions(t, open)
}

const sales = (count: number) =>
  Array.from({ length: count }, (_, index) => sale({ number: 1 + index }))

function testPublication(t: Test, open: OpenLedger): void {
  t.test('when a row was published, to the second, over restarts', async t => {
    const place = t.testdir()
    const now = { wallMs: NOON_MS }
    const before = await open(place, now)
    const epoch = makeEpoch({ random: seededRandom(1), events: sales(19) })
    await before.commit(batchOf(epoch, { first: 1, last: 20 }))
    t.same(await before.publication(1), { type: 'waiting' })
    await before.fannedOut(2)
    now.wallMs = NOON_MS + 600
    await before.fannedOut(5, [4])
    now.wallMs = NOON_MS + 1000
    await before.fannedOut(6)
    await before.fannedOut(6)
    now.wallMs = NOON_MS + 7000
    await before.fannedOut(3)
    await before.fannedOut(9)
    now.wallMs = NOON_MS + 9000
    await before.unshelve(4)
    await before.unshelve(5)
    await before.close()
    const ledger = await open(place, now)
    t.teardown(() => ledger.close())
    const expected = [600, 600, 600, 9000, 600, 1000, 7000, 7000, 7000]
    for (const [index, afterMs] of expected.entries()) {
      const published = { type: 'published', atMs: NOON_MS + afterMs }
      t.same(await ledger.publication(index + 1), published, `position ${index + 1}`)
    }
    t.same(await ledger.publication(10), { type: 'waiting' })
    await ledger.fannedOut(12, [10])
    t.same(await ledger.publication(10), { type: 'refused' })
    t.match(await ledger.publication(12), { type: 'published' })
    t.same(await ledger.publication(13), { type: 'waiting' })
  })
}

function testDocuments(t: Test, open: OpenLedger): void {
  t.test('who works by which version of a document', async t => {
    const ledger = await freshLedger(t, open)
    const [one, two] = [STORE, storeId('store-002')]
    t.same(await ledger.documents('prices'), [])
    const here = documentEvents(one)
    const events = [
      here.received(1, ['till-1', 'till-2']),
      here.applied('till-1', 1),
      here.applied('till-2', 1, 3),
      here.received(9, ['till-1'], 'stock'),
      here.received(4, [], 'leaflet'),
      here.received(3, ['till-1', 'till-2', 'till-3']),
      here.applied('till-1', 3),
      here.applied('till-1', 2),
    ]
    const random = seededRandom(1)
    await ledger.commit(batchOf(makeEpoch({ random, events }), { first: 1, last: 9 }))
    const there = documentEvents(two)
    const others = [there.received(2, ['scale-1']), there.applied('scale-1', 2)]
    const foreign = makeEpoch({ random, store: two, events: others })
    await ledger.commit(batchOf(foreign, { first: 1, last: 3, store: two }))
    const clean = { refused: 0, doubtful: 0 }
    const appliedAt = new Date(NOON_MS).toISOString()
    t.same(await ledger.documents('prices'), [
      { store: one, terminal: 'till-1', version: 3, appliedVersion: 3, appliedAt, ...clean },
      {
        store: one,
        terminal: 'till-2',
        version: 3,
        appliedVersion: 1,
        appliedAt,
        refused: 3,
        doubtful: 0,
        reason: 'PLU 7: no such article',
      },
      { store: one, terminal: 'till-3', version: 3 },
      { store: two, terminal: 'scale-1', version: 2, appliedVersion: 2, appliedAt, ...clean },
    ])
    t.same(
      await ledger.documents('leaflet'),
      [{ store: one, terminal: 'gateway', version: 4, appliedVersion: 4, appliedAt }],
      'no terminal takes it: it lies ready with the gateway',
    )
    t.same(await ledger.documents('messages'), [])
    t.same(await ledger.stores(), [one, two])
  })
}

function testVersions(t: Test, open: OpenLedger): void {
  t.test('which version a store runs, and how it fares, in any order', async t => {
    const now = { wallMs: NOON_MS }
    const place = t.testdir()
    const ledger = await open(place, now)
    t.same(await ledger.versions(), [])
    const random = seededRandom(1)
    const old = makeEpoch({ random, software: '0.1.0', events: [selfTested('0.1.0')] })
    const next = { random, ordinal: 2, after: endOf(old), software: '0.2.0' }
    const first = makeEpoch({ ...next, events: sales(1) })
    const events = [alarm('update-unfit', 'raised'), alarm('disk-low', 'raised')]
    const last = { random, ordinal: 3, after: endOf(first), software: '0.2.0' }
    const second = makeEpoch({ ...last, events: [...events, alarm('disk-low', 'cleared')] })
    await ledger.commit(batchOf(old, { first: 1, last: 2 }))
    const [at, minute] = [(ms: number) => new Date(NOON_MS + ms).toISOString(), 60_000]
    t.match(await ledger.versions(), [
      { store: STORE, software: '0.1.0', since: at(0), tested: at(0), untestedStarts: 0 },
    ])
    now.wallMs += minute
    await ledger.commit(batchOf(second, { first: 2, last: 4 }))
    await ledger.commit(batchOf(first, { first: 1, last: 2 }))
    now.wallMs += minute
    await ledger.commit(batchOf(second, { first: 1, last: 1 }))
    await ledger.close()
    const again = await open(place, now)
    t.teardown(() => again.close())
    t.same(await again.versions(), [
      {
        store: STORE,
        software: '0.2.0',
        since: at(minute),
        started: at(2 * minute),
        untestedStarts: 2,
        alarms: [{ alarm: 'update-unfit', reason: 'as the test wants it' }],
      },
    ])
  })
}
