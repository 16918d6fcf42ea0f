import { chmodSync, chownSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { TillbridgeError } from '../../../gateway/core/errors.js'
import { systemRandom } from '../../../gateway/core/random.js'
import { batchesOf, makeEpoch } from '../../support/chain.js'
import { startPostgres } from '../../support/postgres.js'
import { STORE, sale } from '../../support/sample.js'
import { inOwnMounts, SmallDisk } from '../../support/small-disk.js'
import { ledgerAt } from './open.js'

inOwnMounts()

const postgres = await startPostgres()
t.teardown(() => postgres.stop())

t.test('a full disk of the database: nothing is confirmed; with space it goes on', async t => {
  const disk = new SmallDisk(t, { mib: 48 })
  const place = join(disk.directory, 'tables')
  mkdirSync(place)
  for (const folder of [join(disk.directory, '..'), disk.directory]) chmodSync(folder, 0o755)
  chownSync(place, postgres.uid, -1)
  const url = await postgres.url(t.name)
  const [{ name } = { name: '' }] = await postgres.query<{ name: string }>(
    url,
    'SELECT current_database() AS name',
  )
  await postgres.query(url, `CREATE TABLESPACE small LOCATION '${place}'`)
  const maintenance = url.replace(name, 'postgres')
  await postgres.query(maintenance, `ALTER DATABASE ${name} SET TABLESPACE small`)
  const ledger = await ledgerAt(url)
  t.teardown(() => ledger.close())
  const events = Array.from({ length: 1500 }, (_, index) => sale({ number: index, lines: 12 }))
  const batches = batchesOf(makeEpoch({ random: systemRandom, events }), 100)
  disk.fill({ leaving: 1024 * 1024 })
  let confirmed = 0
  let failure: TillbridgeError | undefined
  for (const batch of batches) {
    await ledger.commit(batch).then(
      ({ stored }) => {
        confirmed += stored
      },
      thrown => {
        failure = thrown
      },
    )
    if (failure !== undefined) break
  }
  t.match(failure, { code: 'TB_LEDGER_WRITE', message: /No space left.*free space on the data/ })
  t.ok(confirmed < 1501, `${confirmed} records fitted`)
  t.equal((await ledger.rows(0, 2000)).length, confirmed, 'nothing of the batch was kept')
  disk.free()
  for (const batch of batches) await ledger.commit(batch)
  t.match((await ledger.receipt(STORE)).epochs, [{ upTo: 1501, missing: [] }])
  t.equal((await ledger.rows(0, 2000)).length, 1501)
})
