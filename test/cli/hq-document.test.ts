import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { hqCommand } from '../../gateway/cli/commands/hq.js'
import { openLedger } from '../../gateway/cli/hq-ledger.js'
import { storeId } from '../../gateway/core/ids.js'
import { seededRandom } from '../../gateway/core/random.js'
import { batchOf, makeEpoch } from '../support/chain.js'
import { invoke } from '../support/command.js'
import { documentEvents } from '../support/document-events.js'
import { startMosquitto } from '../support/mosquitto.js'
import { STORE } from '../support/sample.js'
import { STORE_KEY } from '../support/signed.js'

t.test('a document is put out, shown, and replaced; what is wrong is said', async t => {
  const broker = await startMosquitto()
  const dir = t.testdir({ 'prices.csv': '1;100\n', 'next.csv': '1;200\n', set: { acme: {} } })
  writeFileSync(join(dir, 'set', 'acme', 'x.profile.yaml'), 'format: 1\n')
  const run = (...args: readonly string[]) => invoke(hqCommand, { args })
  const key = join(dir, 'hq.key')
  writeFileSync(key, STORE_KEY.toPem(), { mode: 0o600 })
  const at = ['--broker', `mqtt://127.0.0.1:${broker.port}`]
  const publish = (name: string, file: string, ...more: readonly string[]) =>
    run('document', 'publish', name, join(dir, file), '--key', key, ...at, ...more)
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
  const show = (...more: readonly string[]) => run('document', 'show', ...at, ...more)
  t.match(await show('--store', 'store-001'), { code: 0, stdout: /^prices 20\d{12} \(prices\)/ })
  t.match(await show('prices', '--all'), { code: 0, stdout: 'nothing is put out\n' })
  t.match(await publish('prices', 'none.csv', ...shop), { code: 2, stderr: /none\.csv: expected/ })
  t.match(await publish('prices', 'prices.csv', '--kind', 'prices'), {
    stderr: /--store and --all/,
  })
  await withLedger(dir)
  const stores = ['prices', '--stores', '--data', dir] as const
  t.match(await show(...stores), {
    code: 1,
    stdout:
      /^store-001 till-1: 7, not 20\d{12} yet\nstore-001 till-2: none, not 20\d{12} yet\n0 of 2/,
  })
  t.match(await show(...stores, '--store', 'store-002', '--json'), { code: 0, stdout: '[]\n' })
  t.match(await publish('prices', 'prices.csv', '--kind', 'prices', '--all'), { code: 0 })
  t.match(await show(...stores, '--store', 'store-002'), {
    code: 1,
    stdout: /^store-002: has never had it whole; 20\d{12} is put out\n0 of 1/,
  })
  t.match(await show('--stores', '--data', dir), { code: 2, stderr: /name of a document/ })
  await broker.stop()
  t.match(await show('--all'), { code: 4, stderr: /ECONNREFUSED/ })
})

/** A ledger as `hq` leaves it: the shop had version 7, and one of its two tills works by it. */
async function withLedger(dir: string): Promise<void> {
  const ledger = await openLedger({ type: 'directory', dataDir: dir }, { make: true })
  const { received, applied } = documentEvents(STORE)
  const events = [received(7, ['till-1', 'till-2']), applied('till-1', 7)]
  const random = seededRandom(1)
  await ledger.commit(batchOf(makeEpoch({ random, events }), { first: 1, last: 3 }))
  const store = storeId('store-002')
  const other = makeEpoch({ random, store, events: [] })
  await ledger.commit(batchOf(other, { first: 1, last: 1, store }))
  await ledger.close()
}
