import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import { newEventId } from '../../gateway/core/ids.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import { dataDigest, eventSource } from '../../gateway/event/event.js'
import { JournalIngest } from '../../gateway/ingest/journal-ingest.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { epochKey, recordKey } from '../../gateway/journal/keys.js'
import { openJournalDatabase } from '../../gateway/journal/open-database.js'
import { scanRecords } from '../../gateway/journal/record-scan.js'
import { chainHash } from '../../gateway/wire/record.js'
import { FaultyDatabase } from '../support/faulty-database.js'
import { everyRecord, idsOf, STORE, sale, TILL } from '../support/sample.js'
import { freshDirectory } from '../support/shop.js'
import { journalIn, journalOver } from './open.js'

async function faulty(t: Test): Promise<{ journal: Journal; disk: FaultyDatabase }> {
  const disk = new FaultyDatabase(await openJournalDatabase(t.testdir()))
  const journal = await journalOver(disk)
  t.teardown(() => journal.close())
  return { journal, disk }
}

for (const survives of [false, true])
  t.test(
    `a failed write that ${survives ? 'survived' : 'is gone'}: refused, then a new epoch`,
    async t => {
      const { journal, disk } = await faulty(t)
      const first = journal.epoch
      await journal.append([sale({ number: 1 })])
      disk.failWrite({ in: 1, survives })
      const [two, three] = await Promise.allSettled([
        journal.append([sale({ number: 2 })]),
        journal.append([sale({ number: 3 })]),
      ])
      t.match(two, { status: 'rejected', reason: { code: 'TB_JOURNAL_WRITE' } })
      t.match(
        three,
        { status: 'rejected', reason: { code: 'TB_JOURNAL_WRITE' } },
        'all of the group',
      )
      const repeated = await journal.append([sale({ number: 2 })])
      t.same(repeated, [survives ? 'duplicate' : 'stored'])
      t.not(journal.epoch, first)
      t.same(
        journal.epochs().map(({ epoch }) => epoch),
        [first, journal.epoch],
      )
      const ids = idsOf(await everyRecord(journal), 'sale.completed')
      t.same(ids, survives ? ['sale-1', 'sale-2', 'sale-3'] : ['sale-1', 'sale-2'])
    },
  )

t.test('a disk that stays full: each append is refused until one heals it', async t => {
  const { journal, disk } = await faulty(t)
  await journal.append([sale({ number: 1 })])
  disk.failWrite({ in: 1 })
  disk.failOpens(3)
  for (const _ of [1, 2, 3])
    await t.rejects(journal.append([sale({ number: 2 })]), { code: 'TB_JOURNAL_WRITE' })
  const { epoch } = journal
  const reading = journal.read({ epoch, first: 1, last: 1, maxBytes: 1 })
  await t.rejects(reading, { code: 'TB_JOURNAL_WRITE' }, 'not open: the disk is why')
  t.same(await journal.append([sale({ number: 2 }), sale({ number: 1 })]), ['stored', 'duplicate'])
  t.same(idsOf(await everyRecord(journal), 'sale.completed'), ['sale-1', 'sale-2'])
})

t.test(
  'a disk that fills and is freed while only events without a key of their own come',
  async t => {
    const { journal, disk } = await faulty(t)
    const ingest = new JournalIngest({ journal, logger: silentLogger })
    const keyless = sale({ number: 1, id: newEventId(systemClock, systemRandom) })
    disk.failWrite({ in: 1 })
    disk.failOpens(1)
    const refused = { type: 'refused', code: 'TB_JOURNAL_WRITE' }
    t.match(await ingest.ingest([keyless]), refused)
    t.match(await ingest.ingest([keyless]), refused, 'it does not open')
    t.match(await ingest.ingest([keyless]), { type: 'journaled' })
  },
)

t.test('reading heals, too, and the journal is none the shorter for it', async t => {
  const { journal, disk } = await faulty(t)
  const { epoch } = journal
  await journal.append([sale({ number: 1 })])
  disk.failWrite({ in: 1 })
  await t.rejects(journal.append([sale({ number: 2 })]), { code: 'TB_JOURNAL_WRITE' })
  const range = { epoch, first: 1, last: 9, maxBytes: 1e6 }
  const [slice, digest] = await Promise.all([
    journal.read(range),
    journal.latestDigest(eventSource(STORE, TILL)),
  ])
  t.equal(slice.records.length, 2)
  t.equal(digest, dataDigest(sale({ number: 1 })))
  t.not(journal.epoch, epoch)
  t.same(await journal.append([sale({ number: 2 })]), ['stored'])
  t.same(idsOf(await everyRecord(journal), 'sale.completed'), ['sale-1', 'sale-2'])
})

t.test('a memory that cannot be read is damage, a TypeError a defect', async t => {
  const { journal, disk } = await faulty(t)
  const { epoch } = journal
  for (const [failure, expected] of [
    [new Error('Corruption: block checksum'), { code: 'TB_JOURNAL_UNREADABLE' }],
    [new TypeError('a slip'), TypeError],
  ] as const) {
    disk.failReads(failure)
    await t.rejects(journal.append([sale({ number: 1 })]), expected)
  }
  disk.failReads(undefined)
  t.same(await journal.append([sale({ number: 1 })]), ['stored'])
  t.not(journal.epoch, epoch, 'it was opened anew')
})

t.test(
  'a receipt on a disk that stays full confirms, says so; on one that is free it heals',
  async t => {
    const { journal, disk } = await faulty(t)
    const { epoch } = journal
    disk.failWrite({ in: 1 })
    await t.rejects(journal.append([sale({ number: 1 })]), { code: 'TB_JOURNAL_WRITE' })
    disk.failOpens(1)
    const confirmed = journal.confirm([{ epoch, upTo: 1, missing: [] }])
    await t.rejects(confirmed, { code: 'TB_JOURNAL_WRITE' })
    t.same(journal.epochs()[0]?.pending, [])
    await journal.confirm([{ epoch, upTo: 1, missing: [] }])
    t.not(journal.epoch, epoch)
    t.same(journal.epochs()[0]?.pending, [])
    t.same(await journal.append([sale({ number: 1 })]), ['stored'])
  },
)

t.test('an append right behind a receipt that tore the log is refused, not forgotten', async t => {
  const { journal, disk } = await faulty(t)
  const { epoch } = journal
  disk.tearNextWrite()
  const [confirmed, appended] = await Promise.allSettled([
    journal.confirm([{ epoch, upTo: 1, missing: [] }]),
    journal.append([sale({ number: 1 })]),
  ])
  t.match(confirmed, { status: 'rejected', reason: { code: 'TB_JOURNAL_WRITE' } })
  t.match(appended, { status: 'rejected', reason: { code: 'TB_JOURNAL_WRITE' } })
  t.same(await journal.append([sale({ number: 1 })]), ['stored'])
  t.same(idsOf(await everyRecord(journal), 'sale.completed'), ['sale-1'])
})

t.test('a directory in use is locked, in this process and in another', async t => {
  const directory = t.testdir()
  const journal = await journalIn(directory)
  t.teardown(() => journal.close())
  const link = `${t.testdirName}-link`
  symlinkSync(directory, link)
  t.teardown(() => rmSync(link))
  for (const path of [directory, link])
    await t.rejects(journalIn(path), { code: 'TB_JOURNAL_LOCKED', message: path })
  const other = new URL('./open-once.js', import.meta.url).pathname
  const said = execFileSync(process.execPath, [other, directory], { encoding: 'utf8' })
  t.equal(said, 'TB_JOURNAL_LOCKED')
})

t.test('a folder that lost CURRENT is left as it is', async t => {
  const directory = t.testdir()
  const journal = await journalIn(directory)
  await journal.append([sale({ number: 1 })])
  await journal.close()
  copyFileSync(join(directory, 'CURRENT'), join(directory, 'kept'))
  rmSync(join(directory, 'CURRENT'))
  const before = readdirSync(directory)
  await t.rejects(journalIn(directory), { code: 'TB_JOURNAL_UNREADABLE', message: directory })
  t.same(readdirSync(directory), before)
  copyFileSync(join(directory, 'kept'), join(directory, 'CURRENT'))
  rmSync(join(directory, 'kept'))
  const again = await journalIn(directory)
  t.same(idsOf(await everyRecord(again), 'sale.completed'), ['sale-1'])
  await again.close()
})

t.test('a first opening that was cut short is begun anew', async t => {
  const directory = t.testdir({ LOCK: '', LOG: 'x', 'MANIFEST-000001': 'x', '000001.dbtmp': 'x' })
  const journal = await journalIn(directory)
  t.same(await journal.append([sale({ number: 1 })]), ['stored'])
  await journal.close()
})

t.test('a folder that cannot be a journal is refused', async t => {
  const directory = t.testdir({ file: 'x' })
  await t.rejects(journalIn(join(directory, 'file')), { code: 'TB_JOURNAL_UNREADABLE' })
  const foreign = await openJournalDatabase(join(directory, 'foreign'))
  await foreign.batch([{ type: 'put', key: Buffer.from('x'), value: Buffer.from('y') }], {
    sync: true,
  })
  await t.rejects(journalOver(foreign), { code: 'TB_JOURNAL_UNREADABLE' })
  await t.rejects(foreign.get(Buffer.from('x')), 'closed again')
})

t.test('a damaged or lost record is named when it is read', async t => {
  const directory = t.testdir()
  const journal = await journalIn(directory)
  const { epoch } = journal
  await journal.append(Array.from({ length: 9 }, (_, index) => sale({ number: index + 1 })))
  await journal.close()
  const database = await openJournalDatabase(directory)
  const key = recordKey({ epoch, seq: 5 })
  const sound = (await database.get(key)) ?? Buffer.from('')
  const put = async (value: Uint8Array): Promise<void> => {
    await database.batch([{ type: 'put', key, value }], { sync: true })
  }
  const flips = [0, 10, 50, Math.floor(sound.length / 2), sound.length - 1]
  const named = (seq: number) => {
    return { code: 'TB_JOURNAL_UNREADABLE', message: `record ${seq} of epoch ${epoch} ` }
  }
  const damaged = flips.map(at => sound.map((byte, index) => (index === at ? byte ^ 1 : byte)))
  for (const value of [...damaged, Buffer.from(''), sound.subarray(0, 50)]) {
    await put(value)
    const over = await journalOver(await reopened(database))
    const before = await over.read({ epoch, first: 2, last: 9, maxBytes: 1e6 })
    t.same(
      before.records.map(({ header }) => header.seq),
      [2, 3, 4],
      'what is before it is given',
    )
    await t.rejects(over.read({ epoch, first: 5, last: 9, maxBytes: 1e6 }), named(5))
    const rest = await over.read({ epoch, first: 6, last: 10, maxBytes: 1e6 })
    t.equal(rest.records.length, 5, 'what is behind it is not lost')
    await over.close()
    await database.open()
  }
  await database.batch([{ type: 'del', key }], { sync: true })
  const over = await journalOver(await reopened(database))
  await t.rejects(over.read({ epoch, first: 5, last: 9, maxBytes: 1e6 }), named(5))
  t.equal((await over.read({ epoch, first: 6, last: 10, maxBytes: 1e6 })).records.length, 5)
  await over.close()
})

t.test('a damaged tail or epoch keeps the journal shut', async t => {
  const directory = t.testdir()
  const journal = await journalIn(directory)
  const { epoch } = journal
  await journal.append([sale({ number: 1 })])
  await journal.close()
  for (const key of [recordKey({ epoch, seq: 2 }), epochKey(epoch)]) {
    const database = await openJournalDatabase(directory)
    const sound = (await database.get(key)) ?? Buffer.from('')
    const value = sound.map((byte, index) => (index === sound.length - 2 ? byte ^ 1 : byte))
    await database.batch([{ type: 'put', key, value }], { sync: true })
    await t.rejects(journalOver(database), { code: 'TB_JOURNAL_UNREADABLE' })
    const again = await openJournalDatabase(directory)
    await again.batch([{ type: 'put', key, value: sound }], { sync: true })
    await again.close()
  }
  await (await journalIn(directory)).close()
})

/** A journal of one epoch with 500 sales, all of it in one table file, and that file's path. */
async function inOneTable(t: Test) {
  const directory = t.testdir()
  const journal = await journalIn(directory)
  const { epoch } = journal
  await journal.append(Array.from({ length: 500 }, (_, index) => sale({ number: index + 1 })))
  await journal.close()
  // Opening writes what the log held into a table.
  await (await journalIn(directory)).close()
  const table = readdirSync(directory).find(name => name.endsWith('.ldb')) ?? ''
  return { directory, epoch, path: join(directory, table) }
}

t.test('bytes that flip in a table file never come back as a record', async t => {
  const { directory, path } = await inOneTable(t)
  const bytes = readFileSync(path)
  for (let at = 1000; at < bytes.length - 3000; at += 1777) bytes[at] = (bytes[at] ?? 0) ^ 0x10
  writeFileSync(path, bytes)
  const outcome = await journalIn(directory)
    .then(everyRecord)
    .catch((thrown: unknown) => thrown)
  t.match(outcome, { code: 'TB_JOURNAL_UNREADABLE' })
})

t.test('a damaged block of a table costs what stands in it, nothing before or behind', async t => {
  const { directory, epoch, path } = await inOneTable(t)
  const bytes = readFileSync(path)
  const middle = Math.floor(bytes.length / 2)
  bytes.fill(0xff, middle, middle + 64)
  writeFileSync(path, bytes)
  const copy = freshDirectory(t)
  cpSync(directory, copy, { recursive: true })
  const journal = await journalIn(directory)
  t.teardown(() => journal.close())
  const lost: number[] = []
  let next = 1
  while (next <= 501) {
    const slice = await journal
      .read({ epoch, first: next, last: Math.min(next + 19, 501), maxBytes: 1e6 })
      .catch(asError)
    if (slice instanceof Error) {
      t.match(slice, { code: 'TB_JOURNAL_UNREADABLE', message: `record ${next} of` })
      lost.push(next)
      next += 1
    } else next += slice.records.length
  }
  t.ok(lost.length > 0 && lost.length < 20, `${lost.length} of 501 lost`)
  const [first = 0] = lost
  t.equal((lost.at(-1) ?? 0) - first + 1, lost.length, 'in one piece')

  // LevelDB fails a range that ends within the block as a whole.
  const fresh = await journalIn(copy)
  const last = first + 1
  const { records } = await fresh.read({ epoch, first: first - 10, last, maxBytes: 1e6 })
  t.equal(records.length, 10, 'all before the block')
  await fresh.close()

  const database = await openJournalDatabase(copy)
  t.teardown(() => database.close())
  const seen: number[] = []
  const proven: number[] = []
  for await (const scanned of scanRecords({ database })) {
    const { slot } = scanned
    if (scanned.type !== 'record' || slot.ordinal !== 1) continue
    seen.push(slot.seq)
    // A scan itself verifies nothing.
    const { previous = '', record } = scanned
    if (chainHash(previous, record) === record.hash) proven.push(slot.seq)
  }
  const sound = Array.from({ length: 501 }, (_, index) => index + 1).filter(
    seq => !lost.includes(seq),
  )
  t.same(proven, sound, 'a scan finds each sound record, and no other proves itself')
  t.equal(new Set(seen).size, seen.length, 'once')
})

async function reopened<Opened extends { close(): Promise<void>; open(): Promise<void> }>(
  database: Opened,
): Promise<Opened> {
  await database.close()
  await database.open()
  return database
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
