import { mkdirSync } from 'node:fs'
import t, { type Test } from 'tap'
import { type Clock, systemClock } from '../../gateway/core/clock.js'
import type { Database } from '../../gateway/core/database.js'
import { TillbridgeError } from '../../gateway/core/errors.js'
import { LIMITS } from '../../gateway/core/limits.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { journalPaths } from '../../gateway/journal/journal-folder.js'
import { openJournalStorage } from '../../gateway/journal/journal-storage.js'
import { JournalSpace } from '../../gateway/journal/space.js'
import { SpaceKeeper } from '../../gateway/journal/space-keeper.js'
import { DirectoryVolume } from '../../gateway/journal/volume.js'
import { FaultyDatabase } from '../support/faulty-database.js'
import { everyRecord, idsOf, noise, sale } from '../support/sample.js'
import { inOwnMounts, SmallDisk } from '../support/small-disk.js'
import { until } from '../support/until.js'
import { journalOver } from './open.js'

inOwnMounts()

/** Looks fifty times as often as a gateway does. */
const EAGER: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 50, signal) }

interface Shop {
  readonly journal: Journal
  readonly space: JournalSpace
  /** Ids of the sales that were acknowledged, and codes of the refusals in between. */
  readonly acknowledged: readonly string[]
  readonly refusals: readonly string[]
  stop(): Promise<void>
}

/** A journal on a disk as a gateway has it, and tills that sell until they are stopped. */
async function openShop(
  t: Test,
  dataDir: string,
  from: number,
  under: (database: Database) => Database = database => database,
): Promise<Shop> {
  const { journal: directory } = journalPaths(dataDir)
  mkdirSync(directory, { recursive: true })
  const space = await JournalSpace.open({
    volume: new DirectoryVolume({ dataDir, journal: directory, random: systemRandom }),
    settings: { quota: { share: 1 }, keepFree: { share: 0 } },
    clock: systemClock,
  })
  await space.makeWay()
  const storage = await openJournalStorage({ dataDir, clock: systemClock, logger: silentLogger })
  const database = under(storage)
  const journal = await journalOver(database, undefined, { space })
  const keeper = new SpaceKeeper({
    journal,
    space,
    clock: EAGER,
    logger: silentLogger,
    onReport: () => undefined,
  })
  const stopping = new AbortController()
  const acknowledged: string[] = []
  const refusals: string[] = []
  let next = from
  const sell = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      next += 1
      const event = sale({ number: next, lines: 20 })
      while (!stopping.signal.aborted) {
        const refusal = await refusalOf(journal.append([event]))
        if (refusal === undefined) {
          acknowledged.push(event.id)
          break
        }
        refusals.push(refusal)
        await systemClock.sleep(5)
      }
    }
  }
  const rooms = [keeper.run(stopping.signal), sell(), sell(), sell()]
  const stop = async (): Promise<void> => {
    stopping.abort()
    await Promise.all(rooms)
    await journal.close()
  }
  t.teardown(stop)
  return { journal, space, acknowledged, refusals, stop }
}

async function refusalOf(appended: Promise<unknown>): Promise<string | undefined> {
  try {
    await appended
    return undefined
  } catch (thrown) {
    if (thrown instanceof TillbridgeError) return thrown.code
    throw thrown
  }
}

async function sells(shop: Shop, count: number): Promise<void> {
  const before = shop.acknowledged.length
  await until(`${count} more sales`, () => shop.acknowledged.length >= before + count)
}

async function salesIn(journal: Journal): Promise<readonly unknown[]> {
  return idsOf(await everyRecord(journal), 'sale.completed')
}

t.test('a disk that fills while tills sell, to the last byte, and is freed', async t => {
  const disk = new SmallDisk(t, { mib: 512 })
  const shop = await openShop(t, disk.directory, 0)
  await sells(shop, 50)
  await until('there is a reserve', () => shop.space.figures.roomBytes > 0)
  for (const leaving of [0, 200_000, 20_000_000]) {
    const refusedBefore = shop.refusals.length
    disk.fill({ leaving })
    await until('tills are refused', () => shop.refusals.length > refusedBefore + 20)
    const known = shop.acknowledged.length
    const read = await salesIn(shop.journal)
    t.ok(read.length >= known, 'all that was acknowledged can be read while the disk is full')
    disk.free()
    await sells(shop, 20)
  }
  await until('the reserve is back', async () => {
    await shop.space.look()
    return shop.space.figures.roomBytes > 0
  })
  const codes = new Set(shop.refusals)
  t.comment(`${shop.acknowledged.length} acknowledged, ${shop.refusals.length} refused`, codes)
  t.ok(codes.has('TB_JOURNAL_FULL'))
  t.ok([...codes].every(code => ['TB_JOURNAL_FULL', 'TB_JOURNAL_WRITE'].includes(code)))
  await shop.stop()
  const again = await openShop(t, disk.directory, 1_000_000)
  const kept = await salesIn(again.journal)
  const of = (ids: readonly unknown[]) => ids.map(String).filter(id => Number(id.slice(5)) < 1e6)
  t.same(new Set(of(kept)).size, of(kept).length, 'none twice')
  const lost = shop.acknowledged.filter(id => !kept.includes(id))
  t.same(lost, [], 'none lost')
})

t.test('a gateway starts on a full disk, sends on, and sells when HQ has confirmed', async t => {
  const disk = new SmallDisk(t, { mib: 512 })
  const before = await openShop(t, disk.directory, 0)
  await until('it knows its reserve', async () => {
    await before.space.look()
    return disk.freeBytes < 496 * 2 ** 20 - LIMITS.reserveBytes
  })
  await sells(before, 50)
  // 48 MB that do not compress: more than selling needs besides the reserve.
  for (let round = 0; round < 16; round += 1)
    await before.journal.append(Array.from({ length: 50 }, () => noise(systemRandom, 30_000)))
  await before.stop()
  disk.fill({ leaving: 0 })
  const shop = await openShop(t, disk.directory, 1_000_000)
  await until('refused', () => shop.refusals.length > 10)
  t.same(shop.acknowledged, [])
  t.ok((await salesIn(shop.journal)).length >= before.acknowledged.length)
  const full = shop.space.figures.journalBytes
  const extents = shop.journal.epochs()
  const receipts = extents.map(({ epoch, last }) => ({ epoch, upTo: last, missing: [] }))
  // It counts, also where the disk does not take it just now.
  await shop.journal.confirm(receipts).catch(() => undefined)
  await sells(shop, 5)
  await until('less than half of it is left', async () => {
    await shop.space.look()
    return shop.space.figures.journalBytes < full / 2
  })
})

t.test(
  'a disk that the kernel made read-only: refused, all is read, nothing falls over',
  async t => {
    const disk = new SmallDisk(t, { mib: 512 })
    const shop = await openShop(t, disk.directory, 0)
    await sells(shop, 20)
    disk.breakIntoReadOnly()
    await until('refused', () => shop.refusals.length > 20)
    t.equal(shop.refusals.at(-1), 'TB_JOURNAL_WRITE')
    t.match(shop.journal.statistics().refusal, /Read-only file system|Input\/output error/)
    const read = await salesIn(shop.journal)
    const lost = shop.acknowledged.filter(id => !read.includes(id))
    t.same(lost, [], 'all that was acknowledged is read')
  },
)

t.test('a write that fails, on a disk that is read-only for a while', async t => {
  const disk = new SmallDisk(t, { mib: 512 })
  let faulty: FaultyDatabase | undefined
  const shop = await openShop(t, disk.directory, 0, database => {
    faulty = new FaultyDatabase(database)
    return faulty
  })
  await sells(shop, 20)
  await until('there is a reserve', () => shop.space.figures.roomBytes > 0)
  const uncover = disk.cover()
  faulty?.failWrite({ in: 1 })
  await until('refused', () => shop.refusals.length > 20)
  const read = await salesIn(shop.journal)
  t.same(
    shop.acknowledged.filter(id => !read.includes(id)),
    [],
    'the database stays open',
  )
  uncover()
  await sells(shop, 20)
  await shop.stop()
  const again = await openShop(t, disk.directory, 1_000_000)
  const kept = await salesIn(again.journal)
  t.same(
    shop.acknowledged.filter(id => !kept.includes(id)),
    [],
  )
})
