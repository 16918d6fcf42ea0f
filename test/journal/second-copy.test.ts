import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Journal } from '../../gateway/journal/journal.js'
import { journalPaths } from '../../gateway/journal/journal-folder.js'
import { sale } from '../support/sample.js'
import { freshDirectory } from '../support/shop.js'
import { inOwnMounts, SmallDisk } from '../support/small-disk.js'
import { until } from '../support/until.js'
import { checkKept, checkWhole, FOLDER } from './mirrored-shop.js'
import { type MirroredJournal, openMirrored } from './open-mirrored.js'
import { filesIn } from './recovered.js'

inOwnMounts()

t.setTimeout(600_000)

/** Three tills that sell until they are stopped, and the ids of what was acknowledged. */
class Tills {
  readonly acknowledged: string[] = []
  #next: number
  #stopping = false
  readonly #selling: Promise<unknown>

  constructor(journal: Journal, from: number) {
    this.#next = from
    this.#selling = Promise.all([1, 2, 3].map(() => this.#sell(journal)))
  }

  async sell(count: number): Promise<void> {
    const wanted = this.acknowledged.length + count
    await until(`${count} more sales`, () => this.acknowledged.length >= wanted)
  }

  async stop(): Promise<readonly string[]> {
    this.#stopping = true
    await this.#selling
    return this.acknowledged
  }

  async #sell(journal: Journal): Promise<void> {
    while (!this.#stopping) {
      const event = sale({ number: ++this.#next, lines: 4 })
      await journal.append([event])
      this.acknowledged.push(event.id)
    }
  }
}

async function sellSome(shop: MirroredJournal, from: number, count = 20): Promise<string[]> {
  const events = Array.from({ length: count }, (_, index) => sale({ number: from + index }))
  for (const event of events) await shop.journal.append([event])
  return events.map(({ id }) => id)
}

t.test('the stick is pulled out and returns while tills sell; then the card is lost', async t => {
  const stick = new SmallDisk(t, { mib: 96 })
  const dataDir = freshDirectory(t)
  const shop = await openMirrored(dataDir, stick.directory)
  const tills = new Tills(shop.journal, 0)
  await shop.comesTo('both')
  for (const _ of [1, 2]) {
    await tills.sell(50)
    stick.pull()
    await shop.comesTo('single-copy')
    await tills.sell(50)
    t.same(readdirSync(stick.directory), [], 'an empty mount point is not filled')
    await stick.plug()
    await shop.comesTo('both')
  }
  await tills.sell(50)
  const acknowledged = await tills.stop()
  t.equal(shop.state(), 'both')
  await shop.close()
  rmSync(dataDir, { recursive: true })
  const restored = await openMirrored(dataDir, stick.directory)
  t.match(restored.storage.recoveries, [{ source: 'copy', folder: undefined, gaps: [] }])
  t.equal(restored.state(), 'both', 'a restored journal equals its copy at once')
  await restored.close()
  await checkWhole(t, { dataDir, stick: stick.directory }, acknowledged)
  rmSync(join(stick.directory, FOLDER), { recursive: true })
  await checkWhole(t, { dataDir, stick: stick.directory }, acknowledged)
})

t.test('an empty stick is filled, and takes over from a medium that broke', async t => {
  const [broken, stick] = [new SmallDisk(t, { mib: 96 }), new SmallDisk(t, { mib: 96 })]
  const dataDir = freshDirectory(t)
  const before = await openMirrored(dataDir, broken.directory)
  await before.comesTo('both')
  const early = await sellSome(before, 1)
  broken.breakIntoReadOnly()
  const meanwhile = await sellSome(before, 100)
  t.equal(before.state(), 'single-copy')
  // Now and then it is tried again, and says that meanwhile.
  await until('it says why', () =>
    /Read-only|read-only|EROFS|EIO/.test(JSON.stringify(before.reports.at(-1))),
  )
  await before.close()
  const after = await openMirrored(dataDir, stick.directory)
  await after.comesTo('both')
  const late = await sellSome(after, 200)
  await after.close()
  rmSync(dataDir, { recursive: true })
  await checkWhole(t, { dataDir, stick: stick.directory }, [...early, ...meanwhile, ...late])
})

t.test('a card put back from an image: the copy adds what that lacks, or restores it', async t => {
  const stick = new SmallDisk(t, { mib: 96 })
  const dataDir = freshDirectory(t)
  const image = freshDirectory(t)
  let shop = await openMirrored(dataDir, stick.directory)
  await shop.comesTo('both')
  const sold = await sellSome(shop, 1)
  await shop.close()
  cpSync(dataDir, image, { recursive: true })
  const putBack = (): void => {
    rmSync(dataDir, { recursive: true })
    cpSync(image, dataDir, { recursive: true })
  }
  shop = await openMirrored(dataDir, stick.directory)
  sold.push(...(await sellSome(shop, 100)))
  await shop.close()
  putBack()
  shop = await openMirrored(dataDir, stick.directory)
  t.same(shop.storage.recoveries, [], 'only what was lacking is added')
  t.equal(shop.state(), 'both')
  sold.push(...(await sellSome(shop, 200)))
  await shop.close()
  // A stick that was out for a while is filled anew: nothing in it says what follows the image.
  stick.pull()
  shop = await openMirrored(dataDir, stick.directory)
  sold.push(...(await sellSome(shop, 300)))
  await stick.plug()
  await shop.comesTo('both')
  await shop.close()
  putBack()
  shop = await openMirrored(dataDir, stick.directory)
  t.match(shop.storage.recoveries, [{ source: 'copy', folder: /quarantine/ }])
  t.equal(shop.state(), 'both')
  await shop.close()
  await checkWhole(t, { dataDir, stick: stick.directory }, sold)
})

t.test('a copy that has what the journal lacks is never overwritten', async t => {
  const stick = new SmallDisk(t, { mib: 96 })
  const dataDir = freshDirectory(t)
  const image = freshDirectory(t)
  let shop = await openMirrored(dataDir, stick.directory)
  await shop.comesTo('both')
  const early = await sellSome(shop, 1)
  await shop.close()
  cpSync(dataDir, image, { recursive: true })
  shop = await openMirrored(dataDir, stick.directory)
  const onlyThere = await sellSome(shop, 100)
  await shop.close()
  stick.pull()
  rmSync(dataDir, { recursive: true })
  cpSync(image, dataDir, { recursive: true })
  shop = await openMirrored(dataDir, stick.directory)
  await sellSome(shop, 200)
  await stick.plug()
  const before = filesIn(join(stick.directory, FOLDER))
  await until('it is looked at', () => {
    const last = shop.reports.at(-1)
    return last?.state === 'single-copy' && last.reason.includes('has what this journal lacks')
  })
  await sellSome(shop, 300)
  await shop.close()
  t.same(filesIn(join(stick.directory, FOLDER)), before, 'the copy is as it was')
  rmSync(dataDir, { recursive: true })
  await checkWhole(t, { dataDir, stick: stick.directory }, [...early, ...onlyThere])
})

t.test('a stick of another store, and one that is full, are left alone', async t => {
  const stick = new SmallDisk(t, { mib: 96 })
  const dataDir = freshDirectory(t)
  const folder = join(stick.directory, FOLDER)
  let shop = await openMirrored(dataDir, stick.directory)
  await shop.comesTo('both')
  await shop.close()
  writeFileSync(join(folder, 'copy.json'), '{"v":1,"store":"store-002"}')
  const before = filesIn(folder)
  shop = await openMirrored(dataDir, stick.directory)
  await until('it is looked at', () => JSON.stringify(shop.reports).includes('of store-002'))
  await sellSome(shop, 1)
  await shop.close()
  t.same(filesIn(folder), before)
  rmSync(folder, { recursive: true })
  shop = await openMirrored(dataDir, stick.directory)
  await shop.comesTo('both')
  stick.fill({ leaving: 0 })
  const tills = new Tills(shop.journal, 1000)
  await shop.comesTo('single-copy')
  await tills.sell(20)
  stick.free()
  await shop.comesTo('both')
  const sold = await tills.stop()
  await shop.close()
  rmSync(dataDir, { recursive: true })
  await checkWhole(t, { dataDir, stick: stick.directory }, sold)
})

t.test('a journal that is damaged is restored without a loss', async t => {
  const stick = new SmallDisk(t, { mib: 96 })
  const dataDir = freshDirectory(t)
  const shop = await openMirrored(dataDir, stick.directory)
  await shop.comesTo('both')
  const sold = await sellSome(shop, 1)
  await shop.close()
  const { journal, quarantine } = journalPaths(dataDir)
  for (const name of readdirSync(journal).filter(name => /\.(log|ldb)$/.test(name)))
    writeFileSync(join(journal, name), '')
  await checkWhole(t, { dataDir, stick: stick.directory }, sold)
  t.equal(readdirSync(quarantine).length, 1, 'what was there is kept')
})

t.test('a copy that is behind restores what it has, and the rest is named', async t => {
  const stick = new SmallDisk(t, { mib: 96 })
  const dataDir = freshDirectory(t)
  let shop = await openMirrored(dataDir, stick.directory)
  await shop.comesTo('both')
  const sold = await sellSome(shop, 1)
  await shop.close()
  stick.pull()
  shop = await openMirrored(dataDir, stick.directory)
  const { epoch } = shop.journal
  await sellSome(shop, 100)
  await shop.close()
  await stick.plug()
  rmSync(journalPaths(dataDir).journal, { recursive: true })
  shop = await openMirrored(dataDir, stick.directory)
  t.match(shop.storage.recoveries, [{ source: 'copy', gaps: [{ epoch, first: 1, last: 21 }] }])
  await shop.comesTo('both')
  await shop.close()
  await checkKept(t, { dataDir, stick: stick.directory }, sold)
})

t.test('of a copy that is damaged, too, what is sound is restored', async t => {
  const stick = new SmallDisk(t, { mib: 96 })
  const dataDir = freshDirectory(t)
  let shop = await openMirrored(dataDir, stick.directory)
  const sold = await sellSome(shop, 1)
  await shop.comesTo('both')
  sold.push(...(await sellSome(shop, 100)))
  await shop.close()
  const batches = join(stick.directory, FOLDER, '1', 'batches')
  const bytes = readFileSync(batches)
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 100) ^ 1, bytes.length - 100)
  writeFileSync(batches, bytes)
  rmSync(dataDir, { recursive: true })
  await checkKept(t, { dataDir, stick: stick.directory }, sold.slice(0, -1))
  rmSync(dataDir, { recursive: true })
  const snapshot = readdirSync(join(stick.directory, FOLDER)).filter(name => /^\d/.test(name))
  truncateSync(join(stick.directory, FOLDER, snapshot[0] ?? '', 'snapshot'), 200)
  shop = await openMirrored(dataDir, stick.directory)
  t.match(shop.storage.recoveries, [{ source: 'copy' }], 'as far as it goes')
  await shop.close()
})

t.test('without its medium the second copy is never written to the card', async t => {
  const dataDir = freshDirectory(t)
  const path = join(dataDir, 'media')
  for (const place of [path, dataDir, '/dev/shm']) {
    const shop = await openMirrored(dataDir, place)
    await sellSome(shop, 1, 1)
    await until('it is looked at', () => shop.reports.length > 1)
    t.equal(shop.state(), 'single-copy')
    t.notOk(existsSync(join(place, FOLDER)), JSON.stringify(shop.reports.at(-1)))
    await shop.close()
  }
})
