import type { Test } from 'tap'
import type { EpochId } from '../../gateway/core/ids.js'
import { seededRandom } from '../../gateway/core/random.js'
import type { Ledger } from '../../gateway/hq/ledger.js'
import type { Hello } from '../../gateway/wire/hello.js'
import { batchOf, endOf, makeEpoch } from '../support/chain.js'
import { STORE, sale } from '../support/sample.js'
import { freshLedger, type OpenLedger } from './open-ledger.js'

/** Generations, stores, backups and the right to publish: what a ledger keeps beside its rows. */
export function testUpkeep(t: Test, open: OpenLedger): void {
  testGenerations(t, open)
  testGreetings(t, open)
  testClones(t, open)
  testBackups(t, open)
  testShelf(t, open)
  testLeadership(t, open)
}

const sales = (count: number, from = 1) =>
  Array.from({ length: count }, (_, index) => sale({ number: from + index }))

function testGenerations(t: Test, open: OpenLedger): void {
  t.test('receivers that renew together make one new generation, for good', async t => {
    const place = t.testdir()
    const before = await open(place)
    const first = await before.generation()
    const renewed = await Promise.all([1, 2, 3].map(() => before.renew(first.ledger)))
    t.equal(new Set(renewed.map(({ ledger }) => ledger)).size, 1)
    t.not(renewed[0]?.ledger, first.ledger)
    t.same(await before.generation(), renewed[0])
    t.same(await before.renew(first.ledger), renewed[0], 'whoever is late gets the new one')
    t.equal((await before.receipt(STORE)).ledger, renewed[0]?.ledger)
    await before.close()
    const ledger = await open(place)
    t.teardown(() => ledger.close())
    t.same(await ledger.generation(), renewed[0])
  })
}

function helloOf(...epochs: readonly EpochId[]): Hello {
  return {
    v: 1,
    software: 'test',
    epochs: epochs.map(epoch => ({ epoch, first: 1, last: 9 })),
  }
}

async function named(ledger: Ledger): Promise<readonly EpochId[]> {
  return (await ledger.receipt(STORE)).epochs.map(({ epoch }) => epoch)
}

function testGreetings(t: Test, open: OpenLedger): void {
  t.test('a receipt speaks of what hello named, and of later batches, over restarts', async t => {
    const place = t.testdir()
    const before = await open(place)
    const [one, two, three] = [1, 2, 3].map(ordinal =>
      makeEpoch({ random: seededRandom(ordinal), ordinal, events: sales(1, ordinal) }),
    )
    if (one === undefined || two === undefined || three === undefined) throw new Error('no epochs')
    for (const epoch of [one, two]) await before.commit(batchOf(epoch, { first: 1, last: 2 }))
    t.same(await named(before), [one.epoch, two.epoch], 'before hello: all')
    t.same(await before.greet(STORE, helloOf(two.epoch)), [])
    t.same(await named(before), [two.epoch])
    await before.commit(batchOf(three, { first: 1, last: 2 }))
    t.same(await named(before), [two.epoch, three.epoch])
    await before.commit(batchOf(one, { first: 1, last: 2 }))
    t.same(await named(before), [one.epoch, two.epoch, three.epoch], 'a repeated one, too')
    await before.close()
    const ledger = await open(place)
    t.teardown(() => ledger.close())
    t.equal((await named(ledger)).length, 3)
    await ledger.greet(STORE, helloOf(three.epoch))
    t.same(await named(ledger), [three.epoch])
  })
}

function testClones(t: Test, open: OpenLedger): void {
  const random = seededRandom(1)
  const trunk = makeEpoch({ random, events: sales(2) })
  const [left, right] = [10, 20].map(from =>
    makeEpoch({ random, ordinal: 2, after: endOf(trunk), events: sales(6, from) }),
  )
  if (left === undefined || right === undefined) throw new Error('no epochs')
  const clone = new RegExp(
    `epochs (${left.epoch} and ${right.epoch}|${right.epoch} and .*) are both`,
  )
  const fork = /both .* and .* continue it/

  t.test('two epochs that grow by turns are a clone: said once, nothing left out', async t => {
    const ledger = await freshLedger(t, open)
    const heard: string[] = []
    for (let seq = 1; seq <= 6; seq += 1)
      for (const epoch of [left, right])
        heard.push(...(await ledger.commit(batchOf(epoch, { first: seq, last: seq }))).alarms)
    t.match(heard, [fork, clone])
    t.equal(heard.length, 2, heard.join('\n'))
    t.equal((await ledger.rows(0, 99)).length, 12)
  })

  t.test('two epochs that say hello by turns are a clone', async t => {
    const ledger = await freshLedger(t, open)
    const heard: string[] = []
    for (let turn = 0; turn < 5; turn += 1)
      for (const { epoch } of [left, right])
        heard.push(...(await ledger.greet(STORE, helloOf(trunk.epoch, epoch))))
    t.match(heard, [clone])
    t.equal(heard.length, 1)
  })

  t.test('restarts, backlog, repeats and what was overtaken are no clone', async t => {
    const ledger = await freshLedger(t, open)
    const next = makeEpoch({ random, ordinal: 3, after: endOf(left), events: sales(6, 30) })
    const said: string[] = []
    const commit = async (...args: Parameters<typeof batchOf>): Promise<void> => {
      said.push(...(await ledger.commit(batchOf(...args))).alarms)
    }
    for (let turn = 0; turn < 4; turn += 1) {
      said.push(...(await ledger.greet(STORE, helloOf(trunk.epoch))))
      await commit(trunk, { first: 1, last: 3 })
    }
    for (let seq = 1; seq <= 7; seq += 1) {
      await commit(next, { first: seq, last: seq })
      await commit(left, { first: seq, last: seq, historical: true })
      await commit(next, { first: seq, last: seq })
      await commit(left, { first: seq, last: seq })
    }
    t.same(said, [])
  })
}

function testBackups(t: Test, open: OpenLedger): void {
  const random = seededRandom(1)
  const epoch = makeEpoch({ random, events: sales(29) })
  const other = makeEpoch({ random, ordinal: 2, after: endOf(epoch), events: sales(9, 50) })

  const safeOf = async (ledger: Ledger): Promise<readonly (number | undefined)[]> =>
    (await ledger.receipt(STORE)).epochs.map(({ safe }) => safe)

  t.test('safe is what the oldest of the backups kept contains, over restarts', async t => {
    const place = t.testdir()
    const before = await open(place)
    await before.commit(batchOf(epoch, { first: 1, last: 10 }))
    t.same(await safeOf(before), [undefined], 'no backup was ever done')
    const one = await before.beginBackup()
    t.match(one, { id: 1, begun: /Z$/, done: undefined })
    await before.commit(batchOf(epoch, { first: 11, last: 20 }))
    t.same(await safeOf(before), [undefined], 'begun is not done')
    t.match(await before.endBackup(1, 2), [{ id: 1, done: /Z$/ }])
    t.same(await safeOf(before), [10], 'what was committed behind its beginning does not count')
    t.equal((await before.beginBackup()).id, 2)
    await before.commit(batchOf(epoch, { first: 21, last: 25 }))
    await before.close()
    const ledger = await open(place)
    t.teardown(() => ledger.close())
    await ledger.commit(batchOf(other, { first: 1, last: 10 }))
    t.same(await safeOf(ledger), [10, 0], 'an epoch that began later is in none')
    await ledger.endBackup(2, 2)
    t.same(await safeOf(ledger), [10, 0], 'two are kept')
    t.equal((await ledger.beginBackup()).id, 3)
    await ledger.commit(batchOf(epoch, { first: 26, last: 30 }))
    t.match(await ledger.endBackup(3, 2), [{ id: 2 }, { id: 3 }])
    t.same(await safeOf(ledger), [20, 0])
    t.match(await ledger.endBackup(3, 1), [{ id: 3 }])
    t.same(await safeOf(ledger), [25, 10])
    t.match(await ledger.backups(), [{ id: 3, begun: /Z$/, done: /Z$/ }])
    t.equal((await ledger.backups()).length, 1)
  })

  t.test('a backup that was never done counts for nothing', async t => {
    const ledger = await freshLedger(t, open)
    await t.rejects(ledger.endBackup(1, 1), { code: 'TB_BACKUP_UNKNOWN' })
    await ledger.beginBackup()
    await ledger.commit(batchOf(epoch, { first: 1, last: 5 }))
    await ledger.beginBackup()
    await ledger.commit(batchOf(epoch, { first: 6, last: 9 }))
    t.match(await ledger.endBackup(2, 3), [{ id: 2 }])
    t.same(await safeOf(ledger), [5])
    await t.rejects(ledger.endBackup(1, 1), { code: 'TB_BACKUP_UNKNOWN' })
  })

  t.test('gaps that are filled behind a backup lower what is safe, others do not', async t => {
    const ledger = await freshLedger(t, open)
    await ledger.commit(batchOf(epoch, { first: 5, last: 10 }))
    await ledger.beginBackup()
    await ledger.endBackup(1, 1)
    t.same(await safeOf(ledger), [10], 'what no receipt confirms, the store keeps')
    await ledger.commit(batchOf(epoch, { first: 3, last: 3 }))
    t.same(await safeOf(ledger), [2])
    await ledger.commit(batchOf(epoch, { first: 20, last: 30 }))
    await ledger.beginBackup()
    await ledger.endBackup(2, 1)
    t.same(await safeOf(ledger), [30])
    await ledger.commit(batchOf(epoch, { first: 11, last: 12 }))
    t.same(await safeOf(ledger), [10])
  })
}

function testShelf(t: Test, open: OpenLedger): void {
  t.test('a row that was refused leaves the outbox for the shelf, over restarts', async t => {
    const place = t.testdir()
    const before = await open(place)
    const epoch = makeEpoch({ random: seededRandom(1), events: sales(9) })
    await before.commit(batchOf(epoch, { first: 1, last: 10 }))
    const positions = async (rows: ReturnType<Ledger['outbox']>): Promise<readonly number[]> =>
      (await rows).map(({ position }) => position)
    await before.fannedOut(5, [2, 4])
    await before.fannedOut(8, [6])
    t.same(await positions(before.outbox(99)), [9, 10])
    t.same(await positions(before.shelf(0, 99)), [2, 4, 6])
    await before.close()
    const ledger = await open(place)
    t.teardown(() => ledger.close())
    t.same(await positions(ledger.shelf(0, 2)), [2, 4])
    t.same(await positions(ledger.shelf(2, 9)), [4, 6])
    await ledger.unshelve(4)
    await ledger.unshelve(99)
    t.same(await positions(ledger.shelf(0, 99)), [2, 6])
    t.match(await ledger.shelf(2, 1), [{ position: 6, header: { seq: 6 }, store: STORE }])
    t.same(await ledger.shelf(0, 0), [])
  })
}

function testLeadership(t: Test, open: OpenLedger): void {
  t.test('one leads, and the next when it has resigned', async t => {
    const ledger = await freshLedger(t, open)
    const asked = await Promise.all([1, 2, 3].map(() => ledger.lead()))
    const leaders = asked.filter(leadership => leadership !== undefined)
    t.equal(leaders.length, 1)
    t.equal(leaders[0]?.lost.aborted, false)
    await leaders[0]?.resign()
    const next = await ledger.lead()
    t.ok(next)
    await next?.resign()
  })
}
