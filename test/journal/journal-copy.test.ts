import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import { lockFile } from '../../gateway/core/file-lock.js'
import { silentLogger } from '../../gateway/core/log.js'
import { openJournalCopy } from '../../gateway/journal/journal-copy.js'
import { openJournalStorage } from '../../gateway/journal/journal-storage.js'
import { nextFileNumber } from '../../gateway/journal/manifest.js'
import { openJournalDatabase } from '../../gateway/journal/open-database.js'
import { scanRecords } from '../../gateway/journal/record-scan.js'
import { sale } from '../support/sample.js'
import { journalIn } from './open.js'

/** Every byte and name of a folder. */
function digestOf(directory: string): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(directory).sort())
    hash.update(name).update(readFileSync(join(directory, name)))
  return hash.digest('hex')
}

async function fill(directory: string, count: number, from = 0): Promise<void> {
  const journal = await journalIn(directory)
  for (let next = from; next < from + count; next += 500)
    await journal.append(Array.from({ length: 500 }, (_, index) => sale({ number: next + index })))
  await journal.close()
}

async function countIn(path: string): Promise<number> {
  const copy = await openJournalCopy(path)
  try {
    let count = 0
    for await (const _ of scanRecords(copy)) count += 1
    return count
  } finally {
    await copy.close()
  }
}

t.test('a look changes no byte and leaves nothing behind', async t => {
  const dataDir = t.testdir({ journal: {} })
  const directory = join(dataDir, 'journal')
  for (const round of [0, 1, 2]) await fill(directory, 4000, round * 4000)
  // What a compaction that never finished leaves: its number is given out again.
  const manifest = readFileSync(join(directory, 'CURRENT'), 'utf8').trim()
  const next = nextFileNumber(readFileSync(join(directory, manifest)))
  t.ok(next > 5, `next file ${next}`)
  for (const number of [next, next + 1, next + 2])
    writeFileSync(join(directory, `${String(number).padStart(6, '0')}.ldb`), 'left over')
  const before = digestOf(directory)
  const folders = () => readdirSync(tmpdir()).filter(name => /^tillbridge-journal-/.test(name))
  const others = folders()
  t.equal(await countIn(directory), 12_003)
  t.equal(await countIn(dataDir), 12_003, 'found in a data directory, too')
  t.equal(digestOf(directory), before)
  t.same(folders(), others)
  t.equal(await countIn(directory), 12_003)
  const journal = await journalIn(directory)
  t.equal(journal.epochs().length, 4, 'and the gateway goes on')
  await journal.close()
})

t.test('a folder that was copied without LOCK is read, too', async t => {
  const directory = t.testdir()
  await fill(directory, 500)
  rmSync(join(directory, 'LOCK'))
  t.equal(await countIn(directory), 501)
  t.notOk(existsSync(join(directory, 'LOCK')))
})

t.test('a gateway that has it open is named, and a look keeps one out', async t => {
  const directory = t.testdir()
  await fill(directory, 500)
  const holder = spawn(process.execPath, [
    '--input-type=module',
    `--eval=
      const { openJournalDatabase } = await import('${process.cwd()}/build/gateway/journal/open-database.js')
      await openJournalDatabase(process.argv[1])
      process.stdout.write('open')
      setInterval(() => undefined, 1000)`,
    directory,
  ])
  t.teardown(() => holder.kill('SIGKILL'))
  await new Promise(resolve => holder.stdout.once('data', resolve))
  const before = digestOf(directory)
  await t.rejects(openJournalCopy(directory), { code: 'TB_JOURNAL_LOCKED', message: /copy/ })
  t.equal(digestOf(directory), before)
  holder.kill('SIGKILL')
  await new Promise(resolve => holder.once('exit', resolve))

  const copy = await openJournalCopy(directory)
  const once = new URL('./open-once.js', import.meta.url).pathname
  const said = () => execFileSync(process.execPath, [once, directory], { encoding: 'utf8' })
  t.equal(said(), 'TB_JOURNAL_LOCKED')
  await copy.close()
  t.equal(said(), 'opened')
})

t.test('a recovery at work keeps a look out, a look keeps a gateway out', async t => {
  const dataDir = t.testdir({ journal: {} })
  const options = { dataDir, clock: systemClock, logger: silentLogger }
  await (await openJournalStorage(options)).close()
  await fill(join(dataDir, 'journal'), 500)
  const held = await lockFile(join(dataDir, 'journal.lock'))
  await t.rejects(openJournalCopy(dataDir), { code: 'TB_JOURNAL_LOCKED', message: /copy/ })
  await held?.close()
  const copy = await openJournalCopy(dataDir)
  await t.rejects(openJournalStorage(options), { code: 'TB_JOURNAL_LOCKED' })
  await copy.close()
  await (await openJournalStorage(options)).close()
})

t.test('what is no journal is refused and left alone', async t => {
  const directory = t.testdir({ empty: {}, foreign: {}, torn: {} })
  const at = (name: string) => join(directory, name)
  const refused = { code: 'TB_JOURNAL_UNREADABLE' }
  await t.rejects(openJournalCopy(at('nowhere')), { ...refused, message: /no journal/ })
  await t.rejects(openJournalCopy(at('empty')), { ...refused, message: /no journal/ })
  t.same(readdirSync(at('empty')), [])
  const foreign = await openJournalDatabase(at('foreign'))
  await foreign.batch([{ type: 'put', key: Buffer.from('x'), value: Buffer.from('y') }], {
    sync: true,
  })
  await foreign.close()
  await t.rejects(openJournalCopy(at('foreign')), { ...refused, message: /not a journal/ })
  await fill(at('torn'), 500)
  writeFileSync(join(at('torn'), 'CURRENT'), 'nonsense')
  await t.rejects(openJournalCopy(at('torn')), { ...refused, message: /torn/ })
})

t.test('of a MANIFEST no byte too many is believed', async t => {
  const directory = t.testdir()
  await fill(directory, 500)
  await fill(directory, 500, 500)
  const name = readFileSync(join(directory, 'CURRENT'), 'utf8').trim()
  const manifest = readFileSync(join(directory, name))
  const next = nextFileNumber(manifest)
  const numbers = readdirSync(directory).map(file => Number.parseInt(file, 10) || 0)
  t.ok(next > Math.max(...numbers), `${next} comes after ${Math.max(...numbers)}`)
  for (let cut = 0; cut < manifest.length; cut += 1)
    t.ok(nextFileNumber(manifest.subarray(0, cut)) <= next, `cut at ${cut}`)
  t.equal(nextFileNumber(Buffer.alloc(100)), 0)
})
