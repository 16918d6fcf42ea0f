import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { mendedTable } from '../../gateway/journal/level-table.js'
import { openJournalDatabase } from '../../gateway/journal/open-database.js'
import { scanRecords } from '../../gateway/journal/record-scan.js'
import { repairFolder } from '../../gateway/journal/repair.js'
import { below, newRandom, sale } from '../support/sample.js'
import { journalIn } from './open.js'

const SALES = 500
const FOOTER_BYTES = 48
/** Records of one block, and of the neighbour whose end nobody knows where the index is lost. */
const BLOCK = 20

/** The table of a journal of one epoch. */
async function tableOf(t: Test): Promise<Buffer> {
  const directory = join(t.testdir(), 'journal')
  const journal = await journalIn(directory)
  await journal.append(Array.from({ length: SALES }, (_, index) => sale({ number: index + 1 })))
  await journal.close()
  // Opening writes what the log held into a table.
  await (await journalIn(directory)).close()
  const name = readdirSync(directory).find(file => file.endsWith('.ldb')) ?? ''
  return readFileSync(join(directory, name))
}

/** Numbers of the records that LevelDB reads of a table, once it was mended and repaired. */
async function recordsOf(t: Test, table: Uint8Array): Promise<readonly number[]> {
  const folder = join(t.testdir(), 'repaired')
  mkdirSync(folder)
  writeFileSync(join(folder, '000005.ldb'), table)
  await repairFolder(folder)
  const database = await openJournalDatabase(folder)
  const found: number[] = []
  for await (const { type, slot } of scanRecords({ database }))
    if (type === 'record') found.push(slot.seq)
  await database.close()
  return found
}

const all = Array.from({ length: SALES + 1 }, (_, index) => index + 1)

t.test('a table as LevelDB wrote it is left as it is', async t => {
  t.equal(mendedTable(await tableOf(t)), undefined)
})

t.test('a mended table is one that needs no mending but a filter', async t => {
  const table = await tableOf(t)
  table.writeUInt8(table.readUInt8(2000) ^ 8, 2000)
  const mended = mendedTable(table) ?? table
  t.equal(mendedTable(mended), undefined)
})

t.test('one bit flips anywhere: it is found, and costs the records of one block', async t => {
  const table = await tableOf(t)
  const random = newRandom(t)
  for (let flip = 0; flip < 12; flip += 1) {
    const damaged = Buffer.from(table)
    // What pads the footer is all that nothing reads.
    const at = below(random, table.length - FOOTER_BYTES)
    damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << below(random, 8)), at)
    t.not(mendedTable(damaged), undefined, `byte ${at}`)
    const kept = await recordsOf(t, damaged)
    t.ok(kept.length > SALES - BLOCK, `${kept.length} kept`)
    t.strictSame([...new Set(kept)].sort(), [...kept].sort(), 'each once')
  }
})

t.test('without index, filter and footer every record is there', async t => {
  const table = await tableOf(t)
  // The handle of the metaindex, behind which all of it stands but the filter.
  for (const tail of [FOOTER_BYTES, FOOTER_BYTES + 200]) {
    const cut = table.subarray(0, table.length - tail)
    t.strictSame(await recordsOf(t, cut), all, `${tail} bytes cut off`)
    const zeroed = Buffer.from(table).fill(0, table.length - tail)
    t.strictSame(await recordsOf(t, zeroed), all, `${tail} bytes zero`)
  }
})

t.test('a table cut off in the middle keeps what stands before', async t => {
  const table = await tableOf(t)
  const kept = await recordsOf(t, table.subarray(0, Math.floor(table.length * 0.7)))
  t.ok(kept.length > SALES / 3, `${kept.length} kept`)
  t.strictSame(kept, all.slice(0, kept.length))
})

t.test('zeros, and bytes of anything, are no table and take no time', async t => {
  const random = newRandom(t)
  const size = 1024 * 1024
  const noise = random.bytes(size)
  for (const bytes of [Buffer.alloc(size), noise, Buffer.alloc(0), Buffer.alloc(3)]) {
    t.strictSame(mendedTable(bytes), new Uint8Array(0))
    t.strictSame(await recordsOf(t, bytes), [])
  }
})
