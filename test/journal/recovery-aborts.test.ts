import { execFile } from 'node:child_process'
import { cpSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { journalPaths } from '../../gateway/journal/journal-folder.js'
import { brokenTable } from './aborting-table.js'
import { checkRecovered, filesIn, type Shop, sellThrough } from './recovered.js'

const RECOVER = new URL('./recover-once.js', import.meta.url)

let template: Shop

t.before(async () => {
  template = await sellThrough(t.testdir(), { epochs: 3, sales: 100 })
})

/** A shop whose tables all hold these keys and break off then, at the size that LevelDB knows. */
function brokenShop(t: Test, keys: readonly Uint8Array[]): Shop {
  const dataDir = t.testdir()
  cpSync(template.dataDir, dataDir, { recursive: true })
  const { journal } = journalPaths(dataDir)
  const tables = readdirSync(journal).filter(name => name.endsWith('.ldb'))
  t.ok(tables.length > 0)
  for (const table of tables.map(name => join(journal, name)))
    writeFileSync(table, brokenTable(keys, statSync(table).size))
  return { ...template, dataDir }
}

/** What became of a program; its standard input stays open as long as it runs. */
function run(program: URL, directory: string) {
  return new Promise<{ signal: string | undefined; stderr: string; stdout: string }>(resolve => {
    const command = [fileURLToPath(program), directory]
    execFile(process.execPath, command, (failure, stdout, stderr) =>
      resolve({ signal: failure?.signal ?? undefined, stdout, stderr }),
    )
  })
}

const internal = (key: string): Uint8Array => Buffer.from(`${key}\x01\0\0\0\0\0\0\0`, 'latin1')

t.test('a table that would abort the repair is mended before', async t => {
  const shop = brokenShop(t, [internal('Z'), internal('Y')])
  rmSync(join(journalPaths(shop.dataDir).journal, 'CURRENT'))
  const { kept, lost, gaps } = await checkRecovered(t, shop)
  t.ok(kept > 0, `${kept} kept`)
  t.ok(lost > 0 && gaps.length > 0, `${lost} lost, ${gaps.length} gaps`)
})

t.test('a table that aborts the opening: the next one recovers', async t => {
  const shop = brokenShop(t, [Buffer.from('short')])
  const before = filesIn(journalPaths(shop.dataDir).journal)
  const first = await run(RECOVER, shop.dataDir)
  t.equal(first.signal, 'SIGABRT')
  t.match(first.stderr, /internal_key\.size\(\) >= 8/)
  const second = await run(RECOVER, shop.dataDir)
  t.equal(second.stdout, 'sold', second.stderr)
  const { kept, lost } = await checkRecovered(t, shop, { before })
  t.ok(kept > 0 && lost > 0, `${kept} kept, ${lost} lost`)
})
