import type { Test } from 'tap'
import { eventId, terminalId } from '../../gateway/core/ids.js'
import { dataDigest, eventSource } from '../../gateway/event/event.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { bodyDigest, GENESIS, type JournalRecord } from '../../gateway/wire/record.js'
import {
  everyRecord,
  idsOf,
  jsonOf,
  NOON_MS,
  reading,
  STORE,
  sale,
  TILL,
  terminalLost,
} from '../support/sample.js'
import { until } from '../support/until.js'

/** What a journal gets from outside, as far as the contract turns it. */
export interface JournalWorld {
  wallMs: number
  clock: 'synced' | 'unsure'
}

/** Opens the journal that lives in a place (a directory, a database …), anew or again. */
export type OpenJournal = (place: string, world: JournalWorld) => Promise<Journal>

const DAY_MS = 24 * 60 * 60 * 1000

/** What every journal keeps: the suite for whatever implements it. */
export function testJournal(t: Test, open: OpenJournal): void {
  testEpochs(t, open)
  testAppends(t, open)
  testEdges(t, open)
  testConflicts(t, open)
  testReads(t, open)
  testReceipts(t, open)
  testTrimming(t, open)
  testRetention(t, open)
  testRelief(t, open)
}

function newWorld(): JournalWorld {
  return { wallMs: NOON_MS, clock: 'synced' }
}

/** Opens a journal in a place of its own and closes it when the test ends. */
async function fresh(
  t: Test,
  open: OpenJournal,
): Promise<{ journal: Journal; world: JournalWorld }> {
  const world = newWorld()
  const journal = await open(t.testdir(), world)
  t.teardown(() => journal.close())
  return { journal, world }
}

function testEpochs(t: Test, open: OpenJournal): void {
  t.test('every opening is an epoch that continues the chain of the one before', async t => {
    const place = t.testdir()
    const heads: { epoch: string; last: number; head: string }[] = []
    for (const round of [1, 2, 3]) {
      const journal = await open(place, newWorld())
      await journal.append([sale({ number: round })])
      const records = await everyRecord(journal)
      const own = records.filter(({ header }) => header.epoch === journal.epoch)
      t.match(journal.epoch, new RegExp(`^${round}-[0-9a-f]{32}$`))
      t.same(
        own.map(({ header }) => [header.seq, header.type]),
        [
          [1, 'gateway.started'],
          [2, 'sale.completed'],
        ],
      )
      t.same(jsonOf(own[0]).data, {
        software: '1.2.3',
        ...(round === 1 ? {} : { previous: heads[round - 2] }),
      })
      t.equal(own[0]?.header.class, 'ledger')
      heads.push({ epoch: journal.epoch, last: 2, head: records.at(-1)?.hash ?? '' })
      await journal.close()
    }
    t.equal(new Set(heads.map(({ epoch }) => epoch)).size, 3)
  })

  t.test('a closed journal refuses appends, and closing twice is closing once', async t => {
    const { journal } = await fresh(t, open)
    const last = journal.append([sale({ number: 1 })])
    const closed = journal.close()
    t.same(await last, ['stored'], 'what was accepted before is written')
    await closed
    await journal.close()
    await t.rejects(journal.append([sale({ number: 2 })]), { code: 'TB_JOURNAL_CLOSED' })
  })
}

function testAppends(t: Test, open: OpenJournal): void {
  t.test('an event is journaled once, however often and whenever it is appended', async t => {
    const { journal } = await fresh(t, open)
    t.same(await journal.append([]), [])
    t.same(await journal.append([sale({ number: 1 }), sale({ number: 1 })]), [
      'stored',
      'duplicate',
    ])
    const together = await Promise.all([
      journal.append([sale({ number: 2 })]),
      journal.append([sale({ number: 2 }), sale({ number: 1 })]),
      journal.append([sale({ number: 3 })]),
    ])
    t.same(together, [['stored'], ['duplicate', 'duplicate'], ['stored']])
    const records = await everyRecord(journal)
    t.same(idsOf(records, 'sale.completed'), ['sale-1', 'sale-2', 'sale-3'])
  })

  t.test('a duplicate is one after a restart, too', async t => {
    const place = t.testdir()
    const before = await open(place, newWorld())
    await before.append([sale({ number: 1 })])
    await before.close()
    const journal = await open(place, newWorld())
    t.teardown(() => journal.close())
    t.same(await journal.append([sale({ number: 1 }), sale({ number: 2 })]), [
      'duplicate',
      'stored',
    ])
    t.same(idsOf(await everyRecord(journal), 'sale.completed'), ['sale-1', 'sale-2'])
  })

  t.test('the same id of another terminal is another event', async t => {
    const { journal } = await fresh(t, open)
    const other = sale({ number: 1, terminal: terminalId('till-2') })
    t.same(await journal.append([sale({ number: 1 }), other]), ['stored', 'stored'])
  })

  t.test('many appends at once keep their order and stay whole', async t => {
    const { journal } = await fresh(t, open)
    const numbers = Array.from({ length: 1500 }, (_, index) => index + 1)
    const appended = numbers.map(number =>
      journal.append([sale({ number }), sale({ number: number + 10_000 })]),
    )
    const outcomes = await Promise.all(appended)
    t.ok(outcomes.every(outcome => outcome.join() === 'stored,stored'))
    const expected = numbers.flatMap(number => [`sale-${number}`, `sale-${number + 10_000}`])
    t.same(idsOf(await everyRecord(journal), 'sale.completed'), expected)
  })
}

function testEdges(t: Test, open: OpenJournal): void {
  t.test('an event that is too large is refused alone', async t => {
    const { journal } = await fresh(t, open)
    const huge = sale({ number: 1 })
    const lineItems = Array.from({ length: 500 }, (_, index) => ({
      lineNumber: index + 1,
      description: 'x'.repeat(200),
      quantity: '1',
      amountMinor: 0,
    }))
    if (huge.type !== 'sale.completed') throw new Error('a sale')
    const refused = journal.append([{ ...huge, data: { ...huge.data, lineItems } }])
    const beside = journal.append([sale({ number: 2 })])
    await t.rejects(refused, { code: 'TB_EVENT_TOO_LARGE' })
    t.same(await beside, ['stored'])
    t.same(idsOf(await everyRecord(journal), 'sale.completed'), ['sale-2'])
  })

  t.test('listeners hear each record once, until they stop listening', async t => {
    const { journal } = await fresh(t, open)
    const heard: JournalRecord[] = []
    const stop = journal.onAppended(records => heard.push(...records))
    await journal.append([sale({ number: 1 }), sale({ number: 2 })])
    await journal.append([sale({ number: 1 })])
    await until('both records', () => heard.length >= 2)
    stop()
    await journal.append([sale({ number: 3 })])
    t.same(heard, (await everyRecord(journal)).slice(1, 3))
  })

  t.test('the newest thing that a terminal sold is known, over restarts', async t => {
    const place = t.testdir()
    const source = eventSource(STORE, TILL)
    const before = await open(place, newWorld())
    t.equal(await before.latestDigest(source), undefined)
    await before.append([sale({ number: 1 }), sale({ number: 2, totalMinor: 99 }), terminalLost()])
    await before.close()
    const journal = await open(place, newWorld())
    t.teardown(() => journal.close())
    t.equal(await journal.latestDigest(source), dataDigest(sale({ number: 2, totalMinor: 99 })))
    t.equal(await journal.latestDigest(eventSource(STORE, terminalId('till-2'))), undefined)
    await journal.append([sale({ number: 2, totalMinor: 5 })])
    t.equal(await journal.latestDigest(source), dataDigest(sale({ number: 2, totalMinor: 5 })))
  })
}

function testConflicts(t: Test, open: OpenJournal): void {
  t.test('other data under one id is kept beside the first, and said', async t => {
    const place = t.testdir()
    const before = await open(place, newWorld())
    const other = sale({ number: 1, totalMinor: 999 })
    t.same(await before.append([sale({ number: 1 }), other]), ['stored', 'conflict'])
    t.same(await before.append([other]), ['duplicate'], 'the same again')
    t.same(await before.append([sale({ number: 1 })]), ['duplicate'], 'the first again')
    await before.close()
    const journal = await open(place, newWorld())
    t.teardown(() => journal.close())
    t.same(await journal.append([other]), ['duplicate'], 'after a restart')
    const third = sale({ number: 1, totalMinor: 111 })
    t.same(await journal.append([third, third]), ['conflict', 'duplicate'])
    const records = await everyRecord(journal)
    t.same(idsOf(records, 'sale.completed'), ['sale-1', 'sale-1', 'sale-1'])
    const conflicts = records.filter(({ header }) => header.type === 'event.conflict').map(jsonOf)
    t.same(
      conflicts.map(conflict => conflict.data),
      [other, third].map(event => ({
        id: eventId('sale-1'),
        type: 'sale.completed',
        firstDigest: dataDigest(sale({ number: 1 })),
        secondDigest: dataDigest(event),
      })),
    )
    t.ok(conflicts.every(conflict => conflict.source === eventSource(STORE, TILL)))
    const types = records.map(({ header }) => header.type).join()
    t.match(types, /sale.completed,sale.completed,event.conflict/, 'in the same write')
  })
}

function testReads(t: Test, open: OpenJournal): void {
  t.test('a slice keeps to its bounds, its bytes, and gives at least one', async t => {
    const { journal } = await fresh(t, open)
    const { epoch } = journal
    await journal.append(Array.from({ length: 20 }, (_, index) => sale({ number: index + 1 })))
    const all = await everyRecord(journal)
    const seqs = async (first: number, last: number, maxBytes: number): Promise<number[]> => {
      const { records } = await journal.read({ epoch, first, last, maxBytes })
      return records.map(({ header }) => header.seq)
    }
    t.same(await seqs(3, 6, 1e6), [3, 4, 5, 6])
    t.same(await seqs(20, 99, 1e6), [20, 21])
    t.same(await seqs(3, 6, 0), [3])
    t.same(await seqs(22, 30, 1e6), [])
    t.same(await seqs(6, 3, 1e6), [])
    const some = await seqs(1, 21, 4000)
    t.ok(some.length > 1 && some.length < 21, `${some.length} records in 4000 bytes`)
    const slice = await journal.read({ epoch, first: 7, last: 8, maxBytes: 1e6 })
    t.equal(slice.previous, all[5]?.hash)
    const start = await journal.read({ epoch, first: 1, last: 1, maxBytes: 1e6 })
    t.equal(start.previous, GENESIS)
  })
}

function testReceipts(t: Test, open: OpenJournal): void {
  t.test('the last receipt wins, may go down, and is remembered', async t => {
    const place = t.testdir()
    const world = newWorld()
    const before = await open(place, world)
    const { epoch } = before
    await before.append([1, 2, 3, 4].map(number => sale({ number })))
    t.same(before.epochs(), [{ epoch, first: 1, last: 5, pending: [[1, 5]] }])
    t.match(before.statistics(), { records: 5, backlog: 5, oldestUnconfirmed: /^2026-11-22T1/ })
    await before.confirm([{ epoch, upTo: 5, missing: [[2, 3]] }])
    t.same(before.epochs(), [{ epoch, first: 1, last: 5, pending: [[2, 3]] }])
    await before.confirm([{ epoch, upTo: 2, missing: [] }])
    t.same(before.epochs(), [{ epoch, first: 1, last: 5, pending: [[3, 5]] }], 'down')
    t.match(before.statistics(), { records: 5, backlog: 3, oldestUnconfirmed: /^2026-11-22T1/ })
    await before.close()
    const journal = await open(place, world)
    t.teardown(() => journal.close())
    const [old, current] = journal.epochs()
    t.same(old, { epoch, first: 1, last: 5, pending: [[3, 5]] }, 'remembered')
    t.same(current, { epoch: journal.epoch, first: 1, last: 1, pending: [[1, 1]] })
    await journal.confirm([{ epoch: journal.epoch, upTo: 99, missing: [] }])
    t.same(journal.epochs()[0]?.pending, [[1, 5]], 'an epoch that HQ no longer names has nothing')
    t.same(journal.statistics().backlog, 5, 'more than there is confirms what there is')
    await journal.append([sale({ number: 9 })])
    t.same(journal.epochs()[1]?.pending, [], 'HQ said it has 99')
  })

  t.test('nothing pending: no oldest; the next event is the oldest', async t => {
    const { journal } = await fresh(t, open)
    await journal.confirm([{ epoch: journal.epoch, upTo: 1, missing: [] }])
    t.same(journal.statistics(), { records: 1, backlog: 0, retention: 'days', trimmable: 1 })
    const late = { ...sale({ number: 1 }), time: '2026-11-23T08:00:00.000+01:00' }
    await journal.append([late])
    t.same(journal.statistics(), {
      records: 2,
      backlog: 1,
      oldestUnconfirmed: late.time,
      retention: 'days',
      trimmable: 1,
    })
  })
}

function testTrimming(t: Test, open: OpenJournal): void {
  t.test('what is confirmed and safe goes, and the chain goes on', async t => {
    const place = t.testdir()
    const world = newWorld()
    const before = await open(place, world)
    const { epoch } = before
    await before.append(Array.from({ length: 700 }, (_, index) => sale({ number: index + 1 })))
    await before.confirm([{ epoch, upTo: 701, missing: [[650, 650]], safe: 600 }])
    await until('600 gone', () => before.epochs()[0]?.first === 601)
    t.match(before.statistics(), { records: 101, retention: 'safe' })
    const kept = await everyRecord(before)
    t.equal(kept[0]?.header.seq, 601)
    const none = await before.read({ epoch, first: 1, last: 600, maxBytes: 1e6 })
    t.same(none.records, [])
    t.same(await before.append([sale({ number: 1 })]), ['stored'], 'its id went with it')
    t.same(await before.append([sale({ number: 600 })]), ['duplicate'], 'that of 601 did not')
    await before.close()
    const journal = await open(place, world)
    t.teardown(() => journal.close())
    t.equal(journal.epochs()[0]?.first, 601)
    const slice = await journal.read({ epoch, first: 601, last: 601, maxBytes: 1e6 })
    t.same(slice.records, kept.slice(0, 1), 'verified from the hash before it')
    await journal.confirm([{ epoch, upTo: 702, missing: [], safe: 702 }])
    await until('the old epoch gone', () => journal.epochs().length === 1)
    t.equal(journal.epochs()[0]?.epoch, journal.epoch)
  })

  t.test('an emptied journal continues its chain', async t => {
    const place = t.testdir()
    const before = await open(place, newWorld())
    const { epoch } = before
    await before.append([sale({ number: 1 })])
    const head = (await everyRecord(before)).at(-1)?.hash
    await before.confirm([{ epoch, upTo: 2, missing: [], safe: 2 }])
    await until('all gone', () => before.statistics().records === 0)
    t.same(before.epochs(), [{ epoch, first: 3, last: 2, pending: [] }])
    await before.close()
    const journal = await open(place, newWorld())
    t.teardown(() => journal.close())
    const [started] = await everyRecord(journal)
    t.same(
      journal.epochs().map(extent => extent.epoch),
      [journal.epoch],
    )
    t.match(jsonOf(started).data, { previous: { epoch, last: 2, head } })
    const slice = await journal.read({ epoch: journal.epoch, first: 1, last: 1, maxBytes: 1e6 })
    t.equal(slice.previous, head)
  })
}

function testRetention(t: Test, open: OpenJournal): void {
  t.test('without a safe mark time decides, and only a clock that was set', async t => {
    const { journal, world } = await fresh(t, open)
    const { epoch } = journal
    await journal.append([sale({ number: 1 })])
    world.wallMs += 20 * DAY_MS
    await journal.append([sale({ number: 2 })])
    const receipt = [{ epoch, upTo: 3, missing: [] }]
    world.wallMs += 14 * DAY_MS
    await journal.confirm(receipt)
    world.clock = 'unsure'
    world.wallMs += 2 * DAY_MS
    await journal.confirm(receipt)
    await journal.append([sale({ number: 3 })])
    t.equal(journal.epochs()[0]?.first, 1, '34 days, then 36 by a clock that nobody set')
    world.clock = 'synced'
    await journal.confirm(receipt)
    await until('the first two gone', () => journal.epochs()[0]?.first === 3)
    await journal.confirm(receipt)
    t.equal(journal.epochs()[0]?.first, 3, 'the next is 16 days old')
  })

  t.test('nothing unconfirmed ever goes, whatever is called safe', async t => {
    const { journal } = await fresh(t, open)
    const { epoch } = journal
    await journal.append([1, 2, 3].map(number => sale({ number })))
    await journal.confirm([{ epoch, upTo: 4, missing: [[1, 1]], safe: 4 }])
    await journal.confirm([{ epoch, upTo: 4, missing: [[3, 3]], safe: 4 }])
    await until('two gone', () => journal.epochs()[0]?.first === 3)
    await journal.close()
    t.equal(journal.epochs()[0]?.first, 3)
  })
}

function testRelief(t: Test, open: OpenJournal): void {
  t.test('room is made by the confirmed, then by telemetry, never by money', async t => {
    const place = t.testdir()
    const world = newWorld()
    const before = await open(place, world)
    const { epoch } = before
    const numbers = Array.from({ length: 300 }, (_, index) => index + 1)
    await before.append(numbers.flatMap(number => [sale({ number }), reading(number)]))
    await before.confirm([{ epoch, upTo: 301, missing: [] }])
    t.match(before.statistics(), { records: 601, trimmable: 301 })
    const all = await everyRecord(before)
    t.equal(await before.relieve(0), 0)
    t.equal(await before.relieve(1), 256, 'a slice of the oldest')
    t.equal(before.epochs()[0]?.first, 257)
    t.equal(await before.relieve(10_000), 45 + 150, 'the rest of the confirmed, and all telemetry')
    t.equal(await before.relieve(10_000), 0, 'money stays')
    await before.close()
    const journal = await open(place, world)
    t.teardown(() => journal.close())
    const left = (await everyRecord(journal)).filter(({ header }) => header.epoch === epoch)
    t.same(
      left.map(({ header, hash }) => [header, hash]),
      all.slice(301).map(({ header, hash }) => [header, hash]),
      'headers and chain are what they were',
    )
    const kinds = left.map(({ header, body }) => `${header.type} ${body.type}`)
    t.same(new Set(kinds), new Set(['sale.completed event', 'reading.taken evicted']))
    t.equal(left.filter(({ body }) => body.type === 'event').length, 150)
    t.same(
      left.map(({ body }) => bodyDigest(body)),
      all.slice(301).map(({ body }) => bodyDigest(body)),
    )
    const repeated = [sale({ number: 300 }), reading(300)]
    t.same(await journal.append(repeated), ['duplicate', 'stored'], 'its id went with the body')
    await journal.confirm([
      { epoch, upTo: 601, missing: [], safe: 601 },
      { epoch: journal.epoch, upTo: 2, missing: [], safe: 2 },
    ])
    await until('evicted ones are trimmed like any', () => journal.statistics().records === 0)
    t.same(await journal.append([reading(300)]), ['stored'])
    t.equal(await journal.relieve(10), 1, 'the one that is new: no trace of those before')
  })

  t.test('what lies beyond the safe mark of HQ is not given up', async t => {
    const { journal } = await fresh(t, open)
    const { epoch } = journal
    await journal.append([1, 2, 3].map(number => sale({ number })))
    await journal.confirm([{ epoch, upTo: 4, missing: [], safe: 2 }])
    await until('two gone', () => journal.epochs()[0]?.first === 3)
    t.equal(journal.statistics().trimmable, 0)
    t.equal(await journal.relieve(10), 0)
    t.equal(journal.epochs()[0]?.first, 3)
  })
}
