import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startMosquitto } from '../support/mosquitto.js'
import { ended, MAIN, startProgram } from '../support/program.js'

t.test('a document is put out, shown, and replaced; what is wrong is said', async t => {
  const broker = await startMosquitto()
  const dir = t.testdir({ 'prices.csv': '1;100\n', 'next.csv': '1;200\n', set: { acme: {} } })
  writeFileSync(join(dir, 'set', 'acme', 'x.profile.yaml'), 'format: 1\n')
  const run = (...args: readonly string[]) =>
    ended(startProgram(t, [process.execPath, MAIN, ...args]))
  const key = join(dir, 'hq.key')
  t.equal((await run('keys', 'new', key)).code, 0)
  const at = ['--broker', `mqtt://127.0.0.1:${broker.port}`]
  const publish = (name: string, file: string, ...more: readonly string[]) =>
    run('hq', 'document', 'publish', name, join(dir, file), '--key', key, ...at, ...more)
  const shop = ['--kind', 'prices', '--store', 'store-001'] as const
  t.match(await publish('prices', 'prices.csv', ...shop, '--ordinal', '7'), {
    code: 0,
    stdout: /^prices 7 \(prices\) for store-001: 6 bytes, SHA-256 /,
  })
  t.match(await publish('prices', 'next.csv', ...shop), { stdout: /in place of 7\n$/ })
  t.match(await publish('tills', 'set', '--kind', 'profiles', '--all'), {
    code: 0,
    stdout: /for every store/,
  })
  const show = (...more: readonly string[]) => run('hq', 'document', 'show', ...at, ...more)
  t.match(await show('--store', 'store-001'), { code: 0, stdout: /^prices 20\d{12} \(prices\)/ })
  t.match(await show('prices', '--all'), { code: 0, stdout: 'nothing is put out\n' })
  t.match(await publish('prices', 'none.csv', ...shop), { code: 2, stderr: /none\.csv: expected/ })
  t.match(await publish('prices', 'prices.csv', '--kind', 'prices'), {
    stderr: /--store and --all/,
  })
  await broker.stop()
  t.match(await show('--all'), { code: 4, stderr: /ECONNREFUSED/ })
})
