import { cpSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import { silentLogger } from '../../gateway/core/log.js'
import { journalPaths } from '../../gateway/journal/journal-folder.js'
import { openJournalStorage } from '../../gateway/journal/journal-storage.js'
import { newRandom, sale } from '../support/sample.js'
import { inOwnMounts, SmallDisk } from '../support/small-disk.js'
import { damage } from './damages.js'
import { openKept } from './open-storage.js'
import { checkRecovered, filesIn, type Shop, sellThrough } from './recovered.js'

inOwnMounts()
t.setTimeout(600_000)

let template: Shop

t.before(async () => {
  template = await sellThrough(t.testdir(), { epochs: 4, sales: 500 })
})

t.test('no room for a second journal: the repaired one sells on', async t => {
  const disk = new SmallDisk(t, { mib: 24 })
  const dataDir = join(disk.directory, 'data')
  cpSync(template.dataDir, dataDir, { recursive: true })
  damage('CURRENT deleted', dataDir, newRandom(t))
  const before = filesIn(journalPaths(dataDir).journal)
  disk.fill({ leaving: 1_000_000 })
  const { journal, close } = await openKept(dataDir)
  t.same(await journal.append([sale({ number: 888_888 })]), ['stored'])
  await close()
  const names = readdirSync(journalPaths(dataDir).journal)
  t.ok(names.includes('lost'), 'LevelDB repaired these files')
  // How much room it takes to put its tables in order is LevelDB's affair.
  disk.free()
  t.match(await checkRecovered(t, { ...template, dataDir }, { before }), { kept: 2004, lost: 0 })
})

t.test('no room at all: refused, nothing is lost, and it recovers when there is', async t => {
  const disk = new SmallDisk(t, { mib: 24 })
  const dataDir = join(disk.directory, 'data')
  cpSync(template.dataDir, dataDir, { recursive: true })
  damage('CURRENT deleted', dataDir, newRandom(t))
  const before = filesIn(journalPaths(dataDir).journal)
  disk.fill({ leaving: 0 })
  const opening = openJournalStorage({ dataDir, clock: systemClock, logger: silentLogger })
  await t.rejects(opening, { code: 'TB_JOURNAL_WRITE' })
  disk.free()
  t.match(await checkRecovered(t, { ...template, dataDir }, { before }), { kept: 2004, lost: 0 })
})
