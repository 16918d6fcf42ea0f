import type { Test } from 'tap'
import { storeId } from '../../gateway/core/ids.js'
import { seededRandom } from '../../gateway/core/random.js'
import type { Ledger } from '../../gateway/hq/ledger.js'
import type { SigningKey } from '../../gateway/security/signature.js'
import { GENESIS } from '../../gateway/wire/record.js'
import { batchOf, continued, type Epoch, endOf, makeEpoch } from '../support/chain.js'
import { STORE, sale } from '../support/sample.js'
import { checkpointAt, OTHER_KEY, STORE_KEY, statementOf } from '../support/signed.js'
import { freshLedger, type OpenLedger } from './open-ledger.js'

/** What a ledger has to judge a store by: signatures, statements, rows by their place. */
export function testEvidence(t: Test, open: OpenLedger): void {
  testKeys(t, open)
  testCheckpoints(t, open)
  testRowsAt(t, open)
  testStatements(t, open)
  testAccount(t, open)
}

const sales = (count: number, from = 1) =>
  Array.from({ length: count }, (_, index) => sale({ number: from + index }))

/** The epoch with a checkpoint of its last record. */
function sealed(epoch: Epoch, key?: SigningKey): Epoch {
  const { epoch: id, last: seq, head } = endOf(epoch)
  return continued(epoch, [checkpointAt({ epoch: id, seq, head }, key)])
}

/** Commits what an epoch has from a record on. */
async function commitFrom(ledger: Ledger, epoch: Epoch, first: number): Promise<readonly string[]> {
  const { alarms } = await ledger.commit(batchOf(epoch, { first, last: epoch.records.length }))
  return alarms
}

function testKeys(t: Test, open: OpenLedger): void {
  t.test(
    'the first key counts as the store’s, another is an alarm until it is trusted',
    async t => {
      const place = t.testdir()
      const before = await open(place)
      t.same(await before.keys(STORE), [])
      let epoch = sealed(makeEpoch({ random: seededRandom(1), events: sales(2) }))
      t.same(await commitFrom(before, epoch, 1), [])
      t.same(await before.keys(STORE), [STORE_KEY.publicKey])
      t.same(await before.keys(storeId('store-002')), [])
      await before.close()

      const ledger = await open(place)
      t.teardown(() => ledger.close())
      const isStrange = [new RegExp(`epoch 1-.*, record 5: signed with key ${OTHER_KEY.publicKey}`)]
      epoch = sealed(epoch, OTHER_KEY)
      t.match(await commitFrom(ledger, epoch, 5), isStrange)
      t.match(await commitFrom(ledger, epoch, 4), [], 'sent again: said once')
      t.same(await ledger.keys(STORE), [STORE_KEY.publicKey])
      await ledger.trustKey(STORE, OTHER_KEY.publicKey)
      await ledger.trustKey(STORE, OTHER_KEY.publicKey)
      t.same(await ledger.keys(STORE), [STORE_KEY.publicKey, OTHER_KEY.publicKey])
      for (const key of [OTHER_KEY, STORE_KEY]) {
        epoch = sealed(epoch, key)
        t.same(await commitFrom(ledger, epoch, epoch.records.length), [])
      }
      await ledger.trustKey(storeId('store-009'), OTHER_KEY.publicKey)
      t.same(await ledger.keys(storeId('store-009')), [OTHER_KEY.publicKey], 'before it ever came')
    },
  )
}

function testCheckpoints(t: Test, open: OpenLedger): void {
  t.test('a checkpoint that speaks of something else, or is forged, is an alarm', async t => {
    const ledger = await freshLedger(t, open)
    const start = makeEpoch({ random: seededRandom(1), events: sales(2) })
    const { epoch: id, last: seq, head } = endOf(start)
    const honest = checkpointAt({ epoch: id, seq, head })
    const wrong = /record 4: it signs something else/
    const cases = [
      [checkpointAt({ epoch: id, seq, head: GENESIS }), wrong],
      [checkpointAt({ epoch: id, seq: seq - 1, head }), wrong],
      [
        checkpointAt({
          epoch: endOf(makeEpoch({ random: seededRandom(2), events: [] })).epoch,
          seq,
          head,
        }),
        wrong,
      ],
      [{ ...honest, time: '2026-11-22T12:00:00.001+01:00' }, /record 4: its signature is wrong/],
    ] as const
    await ledger.commit(batchOf(start, { first: 1, last: 3 }))
    for (const [event, alarm] of cases)
      t.match((await commitFrom(ledger, continued(start, [event]), 4)).at(-1), alarm)
    const alarms = await commitFrom(ledger, continued(start, [honest]), 4)
    t.match(alarms, [/other records were committed before/], 'a fork, and nothing else')
  })
}

function testRowsAt(t: Test, open: OpenLedger): void {
  t.test('rows by their place, in pages, also where the chain forked', async t => {
    const ledger = await freshLedger(t, open)
    const random = seededRandom(1)
    const epoch = makeEpoch({ random, events: sales(9) })
    const fork = continued({ ...epoch, records: epoch.records.slice(0, 4) }, sales(3, 100))
    const other = makeEpoch({ random, ordinal: 2, after: endOf(epoch), events: sales(3, 50) })
    for (const [from, last] of [
      [6, 10],
      [1, 5],
    ] as const)
      await ledger.commit(batchOf(epoch, { first: from, last }))
    await commitFrom(ledger, fork, 5)
    await commitFrom(ledger, other, 1)
    const range = { store: STORE, epoch: epoch.epoch, first: 3, last: 8 }
    const all = await ledger.rowsAt(range, 99)
    t.same(
      all.map(({ header }) => header.seq),
      [3, 4, 5, 5, 6, 6, 7, 7, 8],
    )
    t.match(all[0], { store: STORE, header: { epoch: epoch.epoch }, kind: 'event' })
    const hashes = all.map(({ hash }) => hash)
    t.ok((hashes[2] ?? '') < (hashes[3] ?? ''))
    const paged: string[] = []
    for (let next: Parameters<Ledger['rowsAt']>[0] = range; ; ) {
      const rows = await ledger.rowsAt(next, 2)
      paged.push(...rows.map(({ hash }) => hash))
      const last = rows.at(-1)
      if (last === undefined) break
      next = { ...range, first: last.header.seq, beyond: last.hash }
    }
    t.same(paged, hashes)
    t.same(await ledger.rowsAt({ ...range, store: storeId('store-002') }, 9), [])
    t.same(await ledger.rowsAt({ ...range, first: 11, last: 99 }, 9), [])
  })
}

function testStatements(t: Test, open: OpenLedger): void {
  t.test('statements of a store among its rows, in pages, over restarts', async t => {
    const place = t.testdir()
    const before = await open(place)
    let epoch = makeEpoch({ random: seededRandom(1), events: sales(2) })
    for (let day = 0; day < 5; day += 1)
      epoch = continued(epoch, [...sales(2, day * 10 + 10), statementOf(endSeq(epoch))])
    t.same(await commitFrom(before, epoch, 1), [])
    const foreign = makeEpoch({ random: seededRandom(3), store: storeId('store-0011'), events: [] })
    await before.commit(batchOf(foreign, { first: 1, last: 1, store: storeId('store-0011') }))
    await before.close()
    const ledger = await open(place)
    t.teardown(() => ledger.close())
    const found = await ledger.statements(STORE, 0, 99)
    t.same(
      found.map(({ header }) => header.seq),
      [6, 9, 12, 15, 18],
    )
    t.ok(found.every(({ header }) => header.type === 'journal.statement'))
    const [, second] = found
    t.same(await ledger.statements(STORE, second?.position ?? 0, 2), found.slice(2, 4))
    t.same(await ledger.statements(storeId('store-001-x'), 0, 9), [])
    t.same(await ledger.statements(storeId('store-0011'), 0, 9), [])
  })
}

function endSeq(epoch: Epoch) {
  const { epoch: id, last: seq } = endOf(epoch)
  return { epoch: id, seq }
}

function testAccount(t: Test, open: OpenLedger): void {
  t.test('of a store it knows the epochs, and how far the store said that they go', async t => {
    const place = t.testdir()
    const before = await open(place)
    t.match(await before.account(STORE), { chains: [] })
    const epoch = makeEpoch({ random: seededRandom(7), events: sales(4) })
    const epochs = [{ epoch: epoch.epoch, first: 1, last: 5 }]
    await before.greet(STORE, { v: 1, software: '0.1.0', epochs })
    await before.commit(batchOf(epoch, { first: 1, last: 3 }))
    const other = makeEpoch({ random: seededRandom(8), events: sales(1, 5) })
    const others = [{ epoch: other.epoch, first: 1, last: 2 }]
    await before.greet(STORE, { v: 1, software: '0.1.0', epochs: others })
    await before.close()
    const ledger = await open(place)
    t.teardown(() => ledger.close())
    const { state, chains } = await ledger.account(STORE)
    t.match(chains, [{ epoch: epoch.epoch, segments: [{ first: 1, last: 3 }] }])
    t.same(state.announced, [
      { epoch: epoch.epoch, last: 5 },
      { epoch: other.epoch, last: 2 },
    ])
    t.match(await ledger.account(storeId('store-002')), { chains: [] })
  })
}
