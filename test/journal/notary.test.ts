import t, { type Test } from 'tap'
import { type Clock, systemClock } from '../../gateway/core/clock.js'
import { LIMITS } from '../../gateway/core/limits.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import { decodeEvent, type EventData } from '../../gateway/event/event.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { Notary, type NotaryOptions } from '../../gateway/journal/notary.js'
import { openJournalDatabase } from '../../gateway/journal/open-database.js'
import { sumWindow } from '../../gateway/journal/statement-window.js'
import { readSignedEvent } from '../../gateway/security/signed-event.js'
import type { JournalRecord } from '../../gateway/wire/record.js'
import { damagedAt, journalWith } from '../support/faulty-journal.js'
import { everyRecord, NOON_MS, STORE, sale, wallClock } from '../support/sample.js'
import { OTHER_KEY, STORE_KEY, statementOf } from '../support/signed.js'
import { until } from '../support/until.js'
import { journalIn, journalOver } from './open.js'

const HOUR_MS = 60 * 60_000

/** Hours pass when the test says so; what waits looks at the clock every few milliseconds. */
class World {
  wallMs = NOON_MS
  clock = 'synced' as const
  readonly seen: string[] = []
  /** How often a notary went to sleep. */
  looks = 0

  /** The notary has looked around since. */
  async look(): Promise<void> {
    const before = this.looks
    await until('a look', () => this.looks > before + 1)
  }

  get time(): Clock {
    return {
      ...wallClock(this),
      monotonicMs: () => this.wallMs,
      after: (ms, ring) => {
        this.looks += 1
        return systemClock.after(Math.min(ms, 2), ring)
      },
    }
  }

  notary(journal: Journal, more: Partial<NotaryOptions> = {}): Notary {
    return new Notary({
      journal,
      key: STORE_KEY,
      onKeyChanged: cause => this.seen.push(cause),
      store: STORE,
      timeZone: 'Europe/Berlin',
      clock: this.time,
      random: systemRandom,
      clockState: () => 'synced',
      logger: silentLogger,
      ...more,
    })
  }
}

async function shop(t: Test) {
  const world = new World()
  const journal = await journalIn(t.testdir(), world)
  const notary = world.notary(journal)
  t.teardown(async () => {
    await notary.stop()
    await journal.close()
  })
  const typed = async (type: string) =>
    (await everyRecord(journal)).filter(({ header }) => header.type === type)
  return { world, journal, notary, typed }
}

function statementIn({ body }: JournalRecord): EventData<'journal.statement'> {
  const event = body.type === 'event' ? decodeEvent(body.bytes) : undefined
  if (!event?.ok || event.value.type !== 'journal.statement') throw new Error('no statement')
  return event.value.data
}

const sales = (count: number, from = 1) =>
  Array.from({ length: count }, (_, index) => sale({ number: from + index }))

t.test('checkpoints: after the start, after so many, after so long, and at the end', async t => {
  const { world, journal, notary, typed } = await shop(t)
  const count = async () => (await typed('journal.checkpoint')).length
  notary.start()
  await until('one after the start', async () => (await count()) === 1)
  await journal.append(sales(LIMITS.checkpointRecords - 1))
  world.wallMs += LIMITS.checkpointMs - 1
  await world.look()
  t.equal(await count(), 1)
  await journal.append(sales(1, 5000))
  await until('one after so many', async () => (await count()) === 2)
  world.wallMs += 9 * HOUR_MS
  await journal.append(sales(1, 6000))
  await until('one after so long', async () => (await count()) === 3)
  await journal.append(sales(1, 7000))
  await notary.stop()
  t.equal(await count(), 4, 'one at the end')
  const records = await everyRecord(journal)
  for (const [index, { header, body }] of records.entries()) {
    if (header.type !== 'journal.checkpoint' || body.type !== 'event') continue
    const signed = readSignedEvent(body.bytes)
    const { epoch, seq } = header
    const head = records[index - 1]?.hash
    t.match(signed, { value: { publicKey: STORE_KEY.publicKey } })
    t.match(signed, { value: { data: { epoch, seq: seq - 1, head } } })
  }
})

t.test('a shop in which nothing happens writes no checkpoints', async t => {
  const { world, journal, notary } = await shop(t)
  notary.start()
  await until('one after the start', () => journal.statistics().records === 2)
  world.wallMs += 2 * LIMITS.checkpointMs
  await world.look()
  await notary.stop()
  t.equal(journal.statistics().records, 2)
})

t.test('the end of a day: each record is in exactly one statement', async t => {
  const { world, journal, notary, typed } = await shop(t)
  notary.start()
  for (const day of [22, 23, 24]) {
    await journal.append(sales(30, day * 100))
    world.wallMs += 24 * HOUR_MS
    await until(`statement of ${day}`, async () => {
      return (await typed('journal.statement')).length === day - 21
    })
  }
  const records = await everyRecord(journal)
  const statements = (await typed('journal.statement')).map(statementIn)
  t.same(
    statements.map(({ day }) => day),
    ['2026-11-22', '2026-11-23', '2026-11-24'],
  )
  let next = 1
  for (const { ranges, records: count } of statements) {
    t.equal(ranges.length, 1)
    const [{ first, last, head, epoch } = { first: 0, last: 0, head: '', epoch: '' }] = ranges
    t.equal(epoch, journal.epoch)
    t.equal(first, next)
    t.equal(count, last - first + 1)
    t.equal(head, records[last - 1]?.hash)
    next = last + 1
  }
  const sold = statements.map(({ entries }) => entries.find(({ type }) => type.startsWith('sale')))
  t.same(
    sold.map(entry => [entry?.count, entry?.sumMinor]),
    [
      [30, 7500],
      [30, 7500],
      [30, 7500],
    ],
  )
})

t.test('a day that ended while the power was off is stated at the next start', async t => {
  const place = t.testdir()
  const world = new World()
  const before = await journalIn(place, world)
  const first = world.notary(before)
  first.start()
  await before.append(sales(3))
  await first.stop()
  await before.close()
  world.wallMs += 40 * HOUR_MS
  const journal = await journalIn(place, world)
  const second = world.notary(journal)
  t.teardown(() => journal.close())
  second.start()
  await until('stated', async () => (await journal.newest('journal.statement')) !== undefined)
  await second.stop()
  const stated = await journal.newest('journal.statement')
  t.match(stated, {
    data: {
      day: '2026-11-22',
      ranges: [{ epoch: before.epoch, first: 1, last: 5 }, { epoch: journal.epoch }],
      entries: { length: 5 },
    },
  })
  t.same(world.seen, [])
})

t.test('records wait for their statement, but not where the disk runs full', async t => {
  const { world, journal, notary, typed } = await shop(t)
  notary.start()
  await journal.append(sales(3))
  world.wallMs += 24 * HOUR_MS
  await until('stated', async () => (await typed('journal.statement')).length === 1)
  await notary.stop()
  await journal.append(sales(3, 4))
  const { epoch } = journal
  const { last } = journal.epochs().at(-1) ?? { last: 0 }
  const stated = journal.epochs()[0]?.first
  await journal.confirm([{ epoch, upTo: last, missing: [], safe: last }])
  await until('the stated ones gone', () => journal.epochs()[0]?.first !== stated)
  t.ok(journal.statistics().records >= 3, 'the others wait')
  await journal.relieve(1000)
  t.equal(journal.statistics().records, 0)
})

t.test('before the first statement every record waits for it', async t => {
  const world = new World()
  const database = await openJournalDatabase(t.testdir())
  const journal = await journalOver(database, world, { isStated: true })
  t.teardown(() => journal.close())
  const notary = world.notary(journal)
  notary.start()
  await journal.append(sales(3))
  const confirmAll = () => {
    const [{ epoch, last } = { epoch: journal.epoch, last: 0 }] = journal.epochs()
    return journal.confirm([{ epoch, upTo: last, missing: [], safe: last }])
  }
  await until('begun', () => journal.end.seq === 5)
  await confirmAll()
  world.wallMs += 24 * HOUR_MS
  await until('stated', async () => (await journal.newest('journal.statement')) !== undefined)
  await notary.stop()
  const stated = await journal.newest('journal.statement')
  t.match(stated, { data: { ranges: [{ epoch: journal.epoch, first: 1 }], unreadable: [] } })
  await confirmAll()
  await until('gone', () => (journal.epochs()[0]?.first ?? 0) > 5)
  await journal.append(sales(1, 9))
  await confirmAll()
  await journal.relieve(1000)
  t.equal(journal.statistics().records, 0, 'a disk that asks does not wait')
})

t.test('what is too much for one statement is in several, without a hole', async t => {
  const { world, journal, notary, typed } = await shop(t)
  const days = LIMITS.statementEntries
  const many = sales(days).map((event, index) => {
    const businessday = new Date(NOON_MS - index * 24 * HOUR_MS).toISOString().slice(0, 10)
    return { ...event, businessday }
  })
  await journal.append(many)
  notary.start()
  await until('begun', () => journal.statistics().records === days + 2)
  world.wallMs += 24 * HOUR_MS
  await until('three', async () => (await typed('journal.statement')).length === 3)
  const statements = (await typed('journal.statement')).map(statementIn)
  const ranges = statements.flatMap(statement => statement.ranges)
  t.equal(ranges[0]?.first, 1)
  for (const [index, { first }] of ranges.slice(1).entries())
    t.equal(first, (ranges[index]?.last ?? 0) + 1)
  const counted = statements.flatMap(({ entries }) =>
    entries.filter(({ type, method }) => type === 'sale.completed' && method === undefined),
  )
  t.equal(counted.length, days)
})

t.test('a damaged record is named in the statement and in no sum', async t => {
  const { world, journal, typed } = await shop(t)
  await journal.append(sales(9))
  const notary = world.notary(damagedAt(journal, 4))
  notary.start()
  await until('begun', () => journal.statistics().records === 11)
  world.wallMs += 24 * HOUR_MS
  await until('stated', async () => (await typed('journal.statement')).length === 1)
  await notary.stop()
  const [stated] = (await typed('journal.statement')).map(statementIn)
  const { epoch } = journal
  t.match(stated, {
    ranges: [
      { epoch, first: 1, last: 3 },
      { epoch, first: 5, last: 11 },
    ],
    unreadable: [{ epoch, first: 4, last: 4 }],
    records: 10,
  })
})

t.test(
  'what had to make room before it was stated is named, and nothing counted twice',
  async t => {
    const { world, journal, typed } = await shop(t)
    await journal.append(sales(5))
    await journal.append([statementOf({ epoch: journal.epoch, seq: 4 })])
    await journal.append(sales(600, 100))
    const { epoch } = journal
    await journal.confirm([{ epoch, upTo: 607, missing: [] }])
    await journal.relieve(300)
    const [kept = 0] = journal.epochs().map(({ first }) => first)
    t.ok(kept > 8 && kept < 607, `from ${kept} on`)
    const notary = world.notary(journal)
    notary.start()
    await until('begun', async () => (await journal.newest('journal.checkpoint')) !== undefined)
    world.wallMs += 24 * HOUR_MS
    const statement = async () => (await typed('journal.statement')).map(statementIn).at(-1)
    await until('stated', async () => (await statement())?.day === '2026-11-22')
    await notary.stop()
    t.match(await statement(), {
      unreadable: [{ epoch, first: 5, last: kept - 1 }],
      ranges: [{ epoch, first: kept, last: 608 }],
      records: 608 - kept + 1,
    })
  },
)

t.test('what goes while it is added up is not counted twice', async t => {
  const { journal } = await shop(t)
  await journal.append(sales(9))
  let reads = 0
  const trimmed = journalWith(journal, {
    read: range => {
      reads += 1
      return journal.read({
        ...range,
        first: Math.max(range.first, 4),
        last: Math.min(range.last, 7),
      })
    },
  })
  const { signal } = new AbortController()
  const window = await sumWindow({ journal: trimmed, after: undefined, signal })
  const { epoch } = journal
  t.match(window?.statement, {
    unreadable: [
      { epoch, first: 1, last: 3 },
      { epoch, first: 8, last: 10 },
    ],
    ranges: [{ epoch, first: 4, last: 7 }],
    records: 4,
  })
  t.equal(reads, 2)
})

t.test('another key than that of the checkpoints before is a record, and said', async t => {
  const place = t.testdir()
  const world = new World()
  const open = async (more: Partial<NotaryOptions>) => {
    const journal = await journalIn(place, world)
    const notary = world.notary(journal, more)
    notary.start()
    await until('signed', () => journal.statistics().backlog >= 2)
    await notary.stop()
    const records = await everyRecord(journal)
    await journal.close()
    return records.filter(({ header }) => header.type === 'journal.key-changed')
  }
  t.equal((await open({ keyMade: 'there was none' })).length, 0, 'the first key is no change')
  t.equal((await open({})).length, 0)
  const [changed] = await open({ key: OTHER_KEY, keyMade: 'its file was damaged' })
  t.match(changed?.body.type === 'event' && decodeEvent(changed.body.bytes), {
    value: {
      data: {
        publicKey: OTHER_KEY.publicKey,
        previous: STORE_KEY.publicKey,
        cause: 'its file was damaged',
      },
    },
  })
  t.equal((await open({ key: OTHER_KEY })).length, 1, 'said once')
  t.equal((await open({})).length, 2, 'and when the old one comes back')
  t.same(world.seen, ['its file was damaged', 'another key was put in its place'])
})

t.test('a disk that refuses is tried again, but not all the time', async t => {
  const { world, journal } = await shop(t)
  let tries = 0
  const seal: Journal['seal'] = make => {
    tries += 1
    return tries === 1 ? Promise.reject(new Error('No space left on device')) : journal.seal(make)
  }
  const notary = world.notary(journalWith(journal, { seal }))
  notary.start()
  await until('refused', () => tries === 1)
  await world.look()
  t.equal(tries, 1)
  world.wallMs += 2 * 60_000
  await until('signed', async () => (await journal.newest('journal.checkpoint')) !== undefined)
  await notary.stop()
  t.equal(tries, 2)
})
