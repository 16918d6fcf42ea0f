// Keeps a small journal as this version writes it, and beside it what later versions must find in
// there (test/journal/format.test.ts). Once for each release; what is kept is never made anew.
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { journalIn } from '../build/test/journal/open.js'
import { everyRecord, sale } from '../build/test/support/sample.js'

const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
const kept = join('test/fixtures/journal', `version-${version}`)
if (existsSync(kept)) {
  console.error(`${kept} is kept already`)
  process.exit(1)
}
const folder = mkdtempSync(join(tmpdir(), 'journal-fixture-'))
const made = join(folder, 'made')
const source = sale({ number: 1 }).source

for (const numbers of [[1, 2, 3], [4, 5, 6]]) {
  const journal = await journalIn(made)
  for (const number of numbers) await journal.append([sale({ number })])
  const before = await journal.fragments(source)
  await journal.append([], { source, before, after: [...before, Uint8Array.of(numbers[0])] })
  await journal.close()
}
// What LevelDB says of itself is no part of a journal.
for (const name of ['LOCK', 'LOG', 'LOG.old']) rmSync(join(made, name), { force: true })
cpSync(made, kept, { recursive: true })

const journal = await journalIn(made)
const known = journal.epochs().slice(0, -1)
const isKnown = ({ header }) => known.some(({ epoch }) => epoch === header.epoch)
const records = (await everyRecord(journal)).filter(isKnown).map(({ header, hash }) => {
  const { epoch, seq, type } = header
  return { epoch, seq, type, hash }
})
await journal.close()
writeFileSync(`${kept}.json`, `${JSON.stringify({ epochs: known, records }, null, 2)}\n`)
rmSync(folder, { recursive: true })
