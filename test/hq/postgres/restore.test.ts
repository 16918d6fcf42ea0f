import { join } from 'node:path'
import t from 'tap'
import { startMosquitto } from '../../support/mosquitto.js'
import { startPostgres } from '../../support/postgres.js'
import { freshDirectory, openHq, openShop, sell, soldIn, upTo } from '../../support/shop.js'
import { until } from '../../support/until.js'
import { ledgerAt } from './open.js'

t.setTimeout(600_000)

const postgres = await startPostgres()
t.teardown(() => postgres.stop())

for (const manner of ['stopped', 'running'] as const)
  t.test(`an older dump is restored under an HQ that is ${manner}: stores fill it up`, async t => {
    const url = await postgres.url(t.name)
    const database = /\/(t_\w+)/.exec(url)?.[1] ?? ''
    const dump = join(freshDirectory(t), 'ledger.dump')
    const broker = await startMosquitto()
    t.teardown(() => broker.stop())
    const { port } = broker
    const { journal } = await openShop(t, { port })
    const ledger = await ledgerAt(url)
    const hq = openHq(t, { port, ledger })
    const before = await ledger.generation()
    const isSent = () => journal.statistics().backlog === 0
    await sell(journal, upTo(40))
    // While sales go on: a dump is of one moment.
    await Promise.all([
      postgres.tool('pg_dump', ['--format=custom', `--file=${dump}`, database]),
      sell(journal, upTo(80, 41)),
    ])
    await until('the dumped half is committed', isSent)
    await sell(journal, upTo(120, 81))
    await until('all is committed', isSent)
    t.same(await soldIn(ledger), upTo(120))

    if (manner === 'stopped') await hq.close()
    const maintenance = url.replace(database, 'postgres')
    await postgres.query(maintenance, `DROP DATABASE ${database} WITH (FORCE)`)
    await postgres.query(maintenance, `CREATE DATABASE ${database}`)
    await postgres.tool('pg_restore', [`--dbname=${database}`, '--exit-on-error', dump])
    const restored = manner === 'stopped' ? await ledgerAt(url) : ledger
    t.ok((await soldIn(restored)).length <= 80, 'the dump is older')
    if (manner === 'stopped') openHq(t, { port, ledger: restored })
    else await sell(journal, [121])
    const sold = upTo(manner === 'stopped' ? 120 : 121)
    await until('the stores have filled it up', async () => {
      return (await soldIn(restored)).length >= sold.length && isSent()
    })
    t.same(await soldIn(restored), sold, 'each once')
    t.not((await restored.generation()).ledger, before.ledger)
    const rows = await restored.rows(0, 1000)
    t.same(
      rows.map(({ position }) => position),
      rows.map((_, index) => index + 1),
    )
    await until('all of them are published', async () => (await restored.outbox(1)).length === 0)
  })
