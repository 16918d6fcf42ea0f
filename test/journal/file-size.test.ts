import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { everyRecord, idsOf } from '../support/sample.js'
import { journalIn } from './open.js'

const PROGRAM = new URL('./append-forever.js', import.meta.url).pathname

/**
 * A real disk that refuses: the kernel lets no file of this process grow beyond 3 MiB (EFBIG).
 * LevelDB's tables are smaller, its log grows to 4 MiB: it fails in the middle of a write.
 */
t.test('writes that the kernel cuts off lose nothing and double nothing', async t => {
  const directory = t.testdir()
  const node = [process.execPath, PROGRAM, directory, '0', '400', '500']
  // What the test runner loads into children by NODE_OPTIONS turns the limit's signal into a death,
  // where Node itself ignores it and the write fails.
  const limited = ['-c', 'unset NODE_OPTIONS; ulimit -f 6144; exec "$@"', 'sh', ...node]
  const { stdout } = await promisify(execFile)('sh', limited, { maxBuffer: 16 * 1024 * 1024 })
  const lines = stdout.trim().split('\n').slice(1)
  const refused = lines.filter(line => line === 'refused').length
  const acknowledged = lines.filter(line => line !== 'refused').flatMap(line => line.split(' '))
  t.ok(refused > 2, `${refused} refusals`)
  t.ok(acknowledged.length >= 500)
  const journal = await journalIn(directory)
  t.teardown(() => journal.close())
  const kept = idsOf(await everyRecord(journal), 'sale.completed')
  t.same([...kept].sort(), [...acknowledged].sort(), 'each exactly once, and the chain is whole')
  t.ok(journal.epochs().length > 2, `${journal.epochs().length} epochs`)
})
