import t from 'tap'
import { systemClock } from '../../../gateway/core/clock.js'
import { TillbridgeError } from '../../../gateway/core/errors.js'
import { systemRandom } from '../../../gateway/core/random.js'
import {
  openPostgresLedger,
  openPostgresRows,
} from '../../../gateway/hq/postgres/postgres-ledger.js'
import { batchOf, makeEpoch } from '../../support/chain.js'
import { LOCKED, startPostgres } from '../../support/postgres.js'
import { sale } from '../../support/sample.js'
import { ledgerAt } from './open.js'

const postgres = await startPostgres()
t.teardown(() => postgres.stop())

const tools = { clock: systemClock, random: systemRandom }

/** What opening says; never the password. */
async function refusal(url: string, password?: string): Promise<TillbridgeError> {
  const address = password === undefined ? { url } : { url, password }
  try {
    const ledger = await openPostgresLedger({ ...address, ...tools })
    await ledger.close()
  } catch (thrown) {
    if (thrown instanceof TillbridgeError) return thrown
    throw thrown
  }
  throw new Error('it opened')
}

t.test('each reason why a ledger does not open has its code', async t => {
  const url = await postgres.url(t.name)
  const asciiUrl = url.replace(/\/t_\w+/, '/ascii')
  await postgres.query(url, "CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII'")
  await postgres.query(url, 'CREATE ROLE guest LOGIN')
  const as = (user: string) => postgres.url(t.name, { user })
  const none = url.replace(/\/t_\w+/, '/none')
  const cases: readonly (readonly [string, string, RegExp])[] = [
    [none, 'TB_LEDGER_REFUSED', /"none" does not exist/],
    [await as('nobody'), 'TB_LEDGER_REFUSED', /"nobody" does not exist/],
    ['postgres://127.0.0.1:1/x', 'TB_LEDGER_UNREACHABLE', /ECONNREFUSED.*is it running/],
    ['postgres:///x?host=/nowhere', 'TB_LEDGER_UNREACHABLE', /ENOENT.*is it running/],
    [await as('guest'), 'TB_LEDGER_FORBIDDEN', /permission denied.*lacks a right/],
    [asciiUrl, 'TB_LEDGER_UNSUITABLE', /encoding SQL_ASCII: create the database with UTF8/],
  ]
  for (const [address, code, message] of cases)
    t.match(await refusal(address), { code, message }, code)
})

t.test('a password is asked for, checked, and never shown', async t => {
  const { user, password } = LOCKED
  const url = await postgres.url(t.name, { user })
  await postgres.query(
    await postgres.url(t.name),
    `CREATE ROLE ${user} LOGIN SUPERUSER PASSWORD '${password}'`,
  )
  t.match(await refusal(url), { code: 'TB_LEDGER_REFUSED', message: /wants a password, none/ })
  const wrong = await refusal(url, 'guessed')
  t.match(wrong, { code: 'TB_LEDGER_REFUSED', message: /authentication failed for user "locked"/ })
  t.notMatch(`${wrong.stack}${JSON.stringify(wrong)}`, /guessed/)
  const ledger = await openPostgresLedger({ url, password, ...tools })
  await ledger.close()
  const inside = `${url}&password=${encodeURIComponent(password)}`
  await (await openPostgresLedger({ url: inside, ...tools })).close()
})

t.test('a server that would lose what it confirms is refused', async t => {
  const careless = await startPostgres({ settings: ['fsync=off', 'full_page_writes=off'] })
  t.teardown(() => careless.stop())
  t.match(await refusal(await careless.url('x')), {
    code: 'TB_LEDGER_UNSUITABLE',
    message: /fsync is off.*; full_page_writes is off/,
  })
})

t.test('a session that confirms before the disk does is set right', async t => {
  const url = await postgres.url(t.name)
  const [{ name } = { name: '' }] = await postgres.query<{ name: string }>(
    url,
    'SELECT current_database() AS name',
  )
  await postgres.query(url, `ALTER DATABASE ${name} SET synchronous_commit = off`)
  const ledger = await ledgerAt(url)
  t.teardown(() => ledger.close())
  await postgres.query(
    url,
    `CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF current_setting('synchronous_commit') <> 'on' THEN RAISE 'not durable'; END IF;
        RETURN NEW; END $$;
      CREATE TRIGGER note BEFORE INSERT ON tillbridge.batches
        FOR EACH ROW EXECUTE FUNCTION note()`,
  )
  const epoch = makeEpoch({ random: systemRandom, events: [] })
  t.match(await ledger.commit(batchOf(epoch, { first: 1, last: 1 })), { stored: 1 })
})

t.test('a newer schema is left alone, an older one brought up to date', async t => {
  const url = await postgres.url(t.name)
  await (await ledgerAt(url)).close()
  await postgres.query(url, "INSERT INTO tillbridge.migrations VALUES (999, 'of the future')")
  t.match(await refusal(url), {
    code: 'TB_LEDGER_FORMAT',
    message: /has schema 999, this tillbridge knows/,
  })
  await postgres.query(url, 'DELETE FROM tillbridge.migrations WHERE version = 999')
  await (await ledgerAt(url)).close()
  t.match(await postgres.query(url, 'SELECT version, name FROM tillbridge.migrations'), [
    { version: 1, name: 'ledger' },
  ])
})

t.test('rows are read with no right to write, and only where a ledger is', async t => {
  const url = await postgres.url(t.name)
  const reader = await postgres.url(t.name, { user: 'reader' })
  await postgres.query(url, 'CREATE ROLE reader LOGIN')
  await t.rejects(openPostgresRows({ url: reader }), {
    code: 'TB_LEDGER_FORMAT',
    message: 'the database holds no ledger',
  })
  const ledger = await ledgerAt(url)
  t.teardown(() => ledger.close())
  await postgres.query(
    url,
    `GRANT USAGE ON SCHEMA tillbridge TO reader;
      GRANT SELECT ON ALL TABLES IN SCHEMA tillbridge TO reader`,
  )
  const epoch = makeEpoch({ random: systemRandom, events: [sale({ number: 1 })] })
  await ledger.commit(batchOf(epoch, { first: 1, last: 2 }))
  const rows = await openPostgresRows({ url: reader })
  t.teardown(() => rows.close())
  t.same(await rows.rows(0, 9), await ledger.rows(0, 9))
})
