import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FORMAT_KEY } from '../../gateway/journal/keys.js'
import { openJournalDatabase } from '../../gateway/journal/open-database.js'
import { everyRecord, sale } from '../support/sample.js'
import { journalIn } from './open.js'

/** Journals as each version wrote them, and beside each what it holds: later versions open them. */
const FIXTURES = 'test/fixtures/journal'

/** A copy of a fixture that may be written to. */
function copyOf(t: Test, name: string): string {
  const directory = t.testdir()
  cpSync(join(FIXTURES, name), directory, { recursive: true })
  return directory
}

async function formatOf(directory: string): Promise<string> {
  const database = await openJournalDatabase(directory)
  const value = await database.get(FORMAT_KEY)
  await database.close()
  return Buffer.from(value ?? []).toString('utf8')
}

/** Made by scripts/journal-fixture.mjs; those of a format, before there was one. */
const kept = readdirSync(FIXTURES)
  .filter(name => name.endsWith('.json'))
  .map(name => name.replace('.json', ''))

t.test('a journal of each version is kept', async t => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
  t.ok(kept.includes('format-1') && kept.includes('format-2'))
  t.ok(kept.includes(`version-${version}`), 'npm run journal-fixture keeps one of this version')
})

for (const name of kept)
  t.test(`a journal of ${name} is read, continued and kept`, async t => {
    const directory = copyOf(t, name)
    const expected = JSON.parse(readFileSync(join(FIXTURES, `${name}.json`), 'utf8'))
    for (const opening of [1, 2]) {
      const journal = await journalIn(directory)
      t.same(journal.epochs().slice(0, expected.epochs.length), expected.epochs)
      const records = await everyRecord(journal)
      const known = records.slice(0, expected.records.length).map(({ header, hash }) => {
        const { epoch, seq, type } = header
        return { epoch, seq, type, hash }
      })
      t.same(known, expected.records)
      const { epoch, seq } = expected.records[2]
      const slice = await journal.read({ epoch, first: seq, last: seq, maxBytes: 1 })
      t.equal(slice.previous, expected.records[1].hash, 'a record in the middle, on its own')
      const repeated = await journal.append([sale({ number: 5 }), sale({ number: 100 + opening })])
      t.same(repeated, ['duplicate', 'stored'], 'its ids are known')
      await journal.close()
    }
    t.equal(await formatOf(directory), '{"format":2,"readableBy":2}')
  })

t.test('a newer layout that this version may read is opened, and keeps its mark', async t => {
  const directory = copyOf(t, 'format-2')
  const mark = '{"format":3,"readableBy":2,"more":1}'
  const database = await openJournalDatabase(directory)
  await database.batch([{ type: 'put', key: FORMAT_KEY, value: Buffer.from(mark) }], { sync: true })
  await database.close()
  const journal = await journalIn(directory)
  t.same(await journal.append([sale({ number: 100 })]), ['stored'])
  await journal.close()
  t.equal(await formatOf(directory), mark)
})

t.test('a newer layout that this version may not read is refused and left as it is', async t => {
  const directory = copyOf(t, 'format-3')
  const refused = { code: 'TB_JOURNAL_FORMAT', message: /format 3.*reads up to 2/ }
  await t.rejects(journalIn(directory), refused)
  t.equal(await formatOf(directory), '{"format":3,"readableBy":3}')
})

for (const mark of ['x', '2', '{"format":2}', '{"format":0,"readableBy":0}'])
  t.test(`format ${mark} is damage`, async t => {
    const directory = copyOf(t, 'format-2')
    const database = await openJournalDatabase(directory)
    await database.batch([{ type: 'put', key: FORMAT_KEY, value: Buffer.from(mark) }], {
      sync: true,
    })
    await database.close()
    await t.rejects(journalIn(directory), { code: 'TB_JOURNAL_UNREADABLE' })
  })
