import { appendFileSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import type { Database, Operation } from '../../gateway/core/database.js'
import { lockFile } from '../../gateway/core/file-lock.js'
import { type EpochId, epochOrdinal } from '../../gateway/core/ids.js'
import { silentLogger } from '../../gateway/core/log.js'
import { writeMark } from '../../gateway/journal/high-water-mark.js'
import { journalPaths } from '../../gateway/journal/journal-folder.js'
import { openJournalStorage } from '../../gateway/journal/journal-storage.js'
import { epochKey, FORMAT_KEY, recordKey, slotKey } from '../../gateway/journal/keys.js'
import { openJournalDatabase } from '../../gateway/journal/open-database.js'
import { noteRun } from '../../gateway/journal/run-note.js'
import { newRandom, sale } from '../support/sample.js'
import { damage } from './damages.js'
import { openKept } from './open-storage.js'
import { checkRecovered, everything, filesIn, type Shop, sellThrough } from './recovered.js'

t.setTimeout(600_000)

let template: Shop

t.before(async () => {
  template = await sellThrough(t.testdir(), { epochs: 3, sales: 100 })
})

function shopFor(t: Test): Shop {
  const dataDir = t.testdir()
  cpSync(template.dataDir, dataDir, { recursive: true })
  return { ...template, dataDir }
}

/** Epochs of the shop, oldest first. */
function epochsOf({ acknowledged }: Shop): readonly EpochId[] {
  const epochs = [...acknowledged.keys()].map(place => place.slice(0, place.indexOf('/')))
  return [...new Set(epochs)] as EpochId[]
}

/** Overwrites values in a journal that nobody has open. */
async function overwrite(
  { dataDir }: Shop,
  keys: readonly Uint8Array[],
  value = Buffer.from('x'),
): Promise<void> {
  const database = await openJournalDatabase(journalPaths(dataDir).journal)
  const operations = keys.map(key => ({ type: 'put', key, value }) as const)
  await database.batch(operations, { sync: true })
  await database.close()
}

for (const index of [0, 1, 2])
  t.test(`what is known of epoch ${index + 1} is damaged: its records tell it again`, async t => {
    const shop = shopFor(t)
    await overwrite(shop, [epochKey(epochsOf(shop)[index] ?? ('' as EpochId))])
    t.match(await checkRecovered(t, shop), { kept: 303, lost: 0 })
  })

t.test('the same without a mark', async t => {
  const shop = shopFor(t)
  await overwrite(shop, epochsOf(shop).map(epochKey))
  rmSync(journalPaths(shop.dataDir).mark)
  t.match(await checkRecovered(t, shop), { kept: 303, lost: 0 })
})

t.test('the newest records are damaged', async t => {
  const shop = shopFor(t)
  const epoch = epochsOf(shop).at(-1) ?? ('' as EpochId)
  await overwrite(
    shop,
    [98, 99, 101].map(seq => recordKey({ epoch, seq })),
  )
  const { gaps } = await checkRecovered(t, shop)
  t.match(gaps, [
    { epoch, first: 98, last: 99, kind: 'damaged' },
    { epoch, first: 101, last: 101, kind: 'tail-lost' },
  ])
})

t.test(
  'LevelDB compacted a block with flipped keys: they are no places of the journal',
  async t => {
    const shop = shopFor(t)
    const { journal } = journalPaths(shop.dataDir)
    const database = await openJournalDatabase(journal)
    const epochs = epochsOf(shop)
    const operations: Operation[] = []
    for (const epoch of epochs) {
      const value = (await database.get(recordKey({ epoch, seq: 50 }))) ?? Buffer.of()
      const state = (await database.get(epochKey(epoch))) ?? Buffer.of()
      const [own, another] = [epochOrdinal(epoch) + 2 ** 30, epochOrdinal(epoch) + 2 ** 29]
      operations.push(
        { type: 'put', key: recordKey({ epoch, seq: 50 + 2 ** 46 }), value },
        { type: 'put', key: slotKey({ ordinal: own, seq: 50 }), value },
        { type: 'put', key: epochKey(`${another}-${'0'.repeat(32)}` as EpochId), value: state },
      )
    }
    await database.batch(operations, { sync: true })
    await database.close()
    t.match(await checkRecovered(t, shop), { kept: 303, lost: 0 })
  },
)

/** Forgets at once what was not synced, as a power cut would. */
const forgetful = (database: Database): Database => ({
  open: () => database.open(),
  close: () => database.close(),
  get: key => database.get(key),
  getMany: keys => database.getMany(keys),
  batch: async (operations, options) => {
    if (options.sync) await database.batch(operations, options)
  },
  iterator: range => database.iterator(range),
})

for (const next of ['recovers', 'meets it again'])
  t.test(`a gap is named, and what notes that is cut off; the next opening ${next}`, async t => {
    const shop = shopFor(t)
    const [epoch = '' as EpochId] = epochsOf(shop)
    await overwrite(shop, [recordKey({ epoch, seq: 50 })])
    const first = await openKept(shop.dataDir, silentLogger, forgetful)
    t.equal((await everything(first.journal)).gaps.length, 1)
    await first.close()
    if (next === 'meets it again') rmSync(journalPaths(shop.dataDir).mark)
    const { gaps } = await checkRecovered(t, shop)
    t.match(gaps, [{ epoch, first: 50, last: 50 }])
    t.equal(gaps.length, 1)
  })

t.test('the mark of the format is damaged', async t => {
  const shop = shopFor(t)
  await overwrite(shop, [FORMAT_KEY])
  t.match(await checkRecovered(t, shop), { kept: 303, lost: 0 })
})

t.test('an older mark shows nothing; a newer one shows the records and epochs after', async t => {
  const shop = shopFor(t)
  const { dataDir } = shop
  const paths = journalPaths(dataDir)
  const older = readFileSync(paths.mark)
  const card = join(dataDir, 'card')
  cpSync(paths.journal, card, { recursive: true })
  const ids = new Map(shop.ids)
  const acknowledged = new Map(shop.acknowledged)
  for (const number of [1000, 2000]) {
    const { journal, close } = await openKept(dataDir)
    await journal.append([1, 2, 3].map(more => sale({ number: number + more, lines: 4 })))
    for (const { header, hash } of (await everything(journal)).records) {
      acknowledged.set(`${header.epoch}/${header.seq}`, hash)
    }
    await close()
  }
  const newer = readFileSync(paths.mark)
  rmSync(paths.journal, { recursive: true })
  cpSync(card, paths.journal, { recursive: true })
  rmSync(card, { recursive: true })
  writeFileSync(paths.mark, older)
  const unsuspecting = await openJournalStorage({
    dataDir,
    clock: systemClock,
    logger: silentLogger,
  })
  t.same(unsuspecting.recoveries, [])
  await unsuspecting.close()
  writeFileSync(paths.mark, newer)
  const outcome = await checkRecovered(t, { dataDir, ids, acknowledged })
  t.match(outcome, { kept: 303, lost: 8 })
  t.same(
    outcome.gaps.map(({ first, last }) => [first, last]),
    [
      [1, 4],
      [1, 4],
    ],
  )
})

t.test('the mark is of another journal: what that had is told to whoever opens it', async t => {
  const shop = shopFor(t)
  const paths = journalPaths(shop.dataDir)
  const epoch = `3-${'e'.repeat(32)}` as EpochId
  const epochs = [{ epoch, first: 5, last: 70 }]
  await writeMark(paths.mark, { v: 1, epochs, head: 'a'.repeat(64), suspect: false })
  const { storage, journal, close } = await openKept(shop.dataDir)
  t.match(storage.recoveries, [
    { records: 303, gaps: [], strangers: [{ epoch, first: 5, last: 70, kind: 'tail-lost' }] },
  ])
  t.match(journal.epoch, /^4-/)
  await close()
})

t.test('everything is deleted but quarantine: what lies there is the journal again', async t => {
  const shop = shopFor(t)
  const paths = journalPaths(shop.dataDir)
  damage('MANIFEST deleted', shop.dataDir, newRandom(t))
  const first = await openKept(shop.dataDir)
  await first.close()
  for (const path of [paths.journal, paths.mark]) rmSync(path, { recursive: true })
  t.match(await checkRecovered(t, shop), { kept: 303, lost: 0 })
})

t.test('the torn end of a write that nobody was told of is no damage', async t => {
  const shop = shopFor(t)
  const { journal } = journalPaths(shop.dataDir)
  const log = readdirSync(journal).find(name => name.endsWith('.log')) ?? ''
  appendFileSync(join(journal, log), Buffer.alloc(3000, 7))
  const { storage, close } = await openKept(shop.dataDir)
  t.same(storage.recoveries, [])
  t.same(await storage.quarantined(), [])
  await close()
  t.match(await checkRecovered(t, shop), { kept: 303, lost: 0 })
})

t.test('a bad block that LevelDB meets while it compacts: one refusal, then it sells', async t => {
  const shop = shopFor(t)
  const { journal: folder } = journalPaths(shop.dataDir)
  const { storage, journal, close } = await openKept(shop.dataDir)
  const [table] = readdirSync(folder).filter(name => name.endsWith('.ldb'))
  const bytes = readFileSync(join(folder, table ?? ''))
  const middle = Math.floor(bytes.length / 3)
  bytes.fill(0xff, middle, middle + 200)
  writeFileSync(join(folder, table ?? ''), bytes)
  await storage.compactRange?.(Buffer.from('A'), Buffer.from('Z'))
  const { epoch } = journal
  const refused = journal.append([sale({ number: 7001 })])
  await t.rejects(refused, { code: 'TB_JOURNAL_WRITE' })
  t.same(await journal.append([sale({ number: 7001 })]), ['stored'])
  t.not(journal.epoch, epoch)
  t.equal(storage.recoveries.length, 1)
  await close()
  const again = await openKept(shop.dataDir)
  t.same(again.storage.recoveries, [])
  await again.close()
})

/** Another may have the files of a data directory; this one must find them as they are. */
async function checkRefused(t: Test, dataDir: string, code: string): Promise<void> {
  const { journal } = journalPaths(dataDir)
  const before = filesIn(journal)
  for (const _ of [1, 2]) {
    const opening = openJournalStorage({ dataDir, clock: systemClock, logger: silentLogger })
    await t.rejects(opening, { code })
    t.same(filesIn(journal), before, 'the folder is as it was')
  }
  const names = readdirSync(dataDir).filter(name => name !== 'journal.mark')
  t.same(names.sort(), ['journal', 'journal.lock', 'quarantine'].slice(0, names.length))
}

t.test('a database of someone else is refused, with and without CURRENT', async t => {
  const dataDir = t.testdir({ journal: {} })
  const { journal } = journalPaths(dataDir)
  const database = await openJournalDatabase(journal)
  await database.batch([{ type: 'put', key: Buffer.from('x'), value: Buffer.from('y') }], {
    sync: true,
  })
  await database.close()
  await checkRefused(t, dataDir, 'TB_JOURNAL_UNREADABLE')
  rmSync(join(journal, 'CURRENT'))
  await checkRefused(t, dataDir, 'TB_JOURNAL_UNREADABLE')
})

t.test('a newer format is refused, with and without CURRENT', async t => {
  const shop = shopFor(t)
  const { journal } = journalPaths(shop.dataDir)
  await overwrite(shop, [FORMAT_KEY], Buffer.from('{"format":9,"readableBy":9}'))
  await checkRefused(t, shop.dataDir, 'TB_JOURNAL_FORMAT')
  rmSync(join(journal, 'CURRENT'))
  await checkRefused(t, shop.dataDir, 'TB_JOURNAL_FORMAT')
})

t.test('a data directory in use is locked, also where its journal looks damaged', async t => {
  const shop = shopFor(t)
  const { journal } = journalPaths(shop.dataDir)
  const running = await openKept(shop.dataDir)
  t.teardown(running.close)
  const current = readFileSync(join(journal, 'CURRENT'))
  rmSync(join(journal, 'CURRENT'))
  const { dataDir } = shop
  const opening = openJournalStorage({ dataDir, clock: systemClock, logger: silentLogger })
  await t.rejects(opening, { code: 'TB_JOURNAL_LOCKED' })
  writeFileSync(join(journal, 'CURRENT'), current)
})

t.test('a data directory that cannot be one', async t => {
  const place = t.testdir({ file: '' })
  const opening = openJournalStorage({
    dataDir: join(place, 'file'),
    clock: systemClock,
    logger: silentLogger,
  })
  await t.rejects(opening, { code: 'TB_JOURNAL_WRITE', message: place })
})

const lists: Readonly<Record<string, (journal: string) => void>> = {
  'no MANIFEST': journal => {
    for (const name of readdirSync(journal))
      if (name.startsWith('MANIFEST-')) rmSync(join(journal, name))
  },
  'an empty CURRENT': journal => writeFileSync(join(journal, 'CURRENT'), ''),
  'a CURRENT of zeros': journal => writeFileSync(join(journal, 'CURRENT'), Buffer.alloc(16)),
}

for (const [what, spoil] of Object.entries(lists))
  t.test(`killed, and ${what} to say which tables there are: it is recovered`, async t => {
    const shop = shopFor(t)
    const { journal, lock } = journalPaths(shop.dataDir)
    const killed = await lockFile(lock)
    if (killed === undefined) throw new Error('somebody is at work here')
    await noteRun(killed, true)
    await killed.close()
    spoil(journal)
    t.match(await checkRecovered(t, shop), { kept: 303, lost: 0 })
  })
