import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Database, Operation } from '../../gateway/core/database.js'
import { mendedLog } from '../../gateway/journal/level-log.js'
import { openJournalDatabase } from '../../gateway/journal/open-database.js'
import { repairFolder } from '../../gateway/journal/repair.js'

const BLOCK_BYTES = 32 * 1024

function put(key: string, value: string): Operation {
  return { type: 'put', key: Buffer.from(key), value: Buffer.from(value) }
}

/** The log that LevelDB writes of these batches, each synced. */
async function logOf(directory: string, batches: readonly Operation[][]): Promise<Buffer> {
  const database = await openJournalDatabase(directory)
  for (const batch of batches) await database.batch(batch, { sync: true })
  const name = readdirSync(directory).find(name => name.endsWith('.log')) ?? ''
  const log = readFileSync(join(directory, name))
  await database.close()
  return log
}

async function entriesOf(database: Database): Promise<readonly string[]> {
  const entries: string[] = []
  for await (const [key, value] of database.iterator({}))
    entries.push(`${Buffer.from(key)}=${Buffer.from(value).toString().slice(0, 9)}`)
  await database.close()
  return entries
}

/** What LevelDB's repair reads of a log alone. */
async function repaired(directory: string, log: Uint8Array): Promise<readonly string[]> {
  mkdirSync(directory)
  writeFileSync(join(directory, '000003.log'), log)
  await repairFolder(directory)
  return entriesOf(await openJournalDatabase(directory))
}

t.test('a sound log, over several blocks, is left as it is', async t => {
  const long = 'x'.repeat(BLOCK_BYTES + 100)
  const batches = ['a', 'b', 'c', 'd'].map(key => [put(key, long), put(`R${key}`, 'short')])
  t.equal(mendedLog(await logOf(join(t.testdir(), 'source'), batches)), undefined)
})

t.test('of a damaged batch records and states are kept, all of those around it', async t => {
  const place = t.testdir()
  const batches = [1, 2, 3].map(n => [
    put(`C${n}`, 'claim'),
    put(`R${n}`, 'record'),
    { type: 'del', key: Buffer.from(`R0${n}`) } as const,
    put(`E${n}`, 'state'),
  ])
  const log = await logOf(join(place, 'source'), batches)
  // The claim of the second one: its checksum is wrong.
  const at = log.indexOf('C2') + 3
  log.writeUInt8(log.readUInt8(at) ^ 1, at)
  const entries = await repaired(join(place, 'repaired'), log)
  const kept = ['C1', 'C3', 'E1', 'E2', 'E3', 'R1', 'R2', 'R3']
  t.same(
    entries.map(entry => entry.slice(0, 2)),
    kept,
  )
})

t.test('a batch whose middle is missing is not whole, and costs no other', async t => {
  const place = t.testdir()
  const long = 'x'.repeat(2 * BLOCK_BYTES)
  const log = await logOf(join(place, 'source'), [
    [put('R1', 'first')],
    [put('R2', long), put('R3', 'behind it')],
    [put('R4', 'last')],
  ])
  log.fill(0, BLOCK_BYTES, BLOCK_BYTES + 7)
  const entries = await repaired(join(place, 'repaired'), log)
  t.same(entries, ['R1=first', 'R4=last'])
})

t.test('two batches of one sequence number do not abort the process', async t => {
  const place = t.testdir()
  const batches = ['one', 'two'].map(value => [put('R1', value)])
  const log = await logOf(join(place, 'source'), batches)
  const second = 7 + log.readUInt16LE(4)
  log.copy(log, second + 7, 7, 15)
  t.same(await repaired(join(place, 'repaired'), log), ['R1=two'])
})
