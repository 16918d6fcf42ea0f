import { join } from 'node:path'
import t, { type Test } from 'tap'
import { hqCommand } from '../../gateway/cli/commands/hq.js'
import { EXIT } from '../../gateway/cli/exit-codes.js'
import { openLedger } from '../../gateway/cli/hq-ledger.js'
import { querySocket } from '../../gateway/cli/hq-process.js'
import { systemClock } from '../../gateway/core/clock.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import type { Ledger } from '../../gateway/hq/ledger.js'
import { QueryServer } from '../../gateway/hq/query-server.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { Notary } from '../../gateway/journal/notary.js'
import { makeBatch } from '../../gateway/wire/batch.js'
import { journalIn } from '../journal/open.js'
import { invoke } from '../support/command.js'
import { startPostgres } from '../support/postgres.js'
import { NOON_MS, STORE, sale } from '../support/sample.js'
import { freshDirectory } from '../support/shop.js'
import { OTHER_KEY, STORE_KEY } from '../support/signed.js'
import { until } from '../support/until.js'

/** A journal whose day has ended, with its statement. */
async function endedDay(t: Test): Promise<Journal> {
  const now = { wallMs: NOON_MS, clock: 'synced' as const }
  const journal = await journalIn(t.testdir(), now)
  const notary = new Notary({
    journal,
    key: STORE_KEY,
    onKeyChanged: () => undefined,
    store: STORE,
    timeZone: 'Europe/Berlin',
    clock: {
      ...systemClock,
      wallMs: () => now.wallMs,
      after: (ms, ring) => systemClock.after(Math.min(ms, 2), ring),
    },
    random: systemRandom,
    clockState: () => 'synced',
    logger: silentLogger,
  })
  notary.start()
  await until('begun', () => journal.statistics().records === 2)
  await journal.append([1, 2, 3].map(number => sale({ number })))
  now.wallMs += 24 * 60 * 60_000
  await until('stated', async () => (await journal.newest('journal.statement')) !== undefined)
  await notary.stop()
  t.teardown(() => journal.close())
  return journal
}

/** Sends what the journal has, but for the records at these numbers. */
async function send(journal: Journal, ledger: Ledger, without: readonly number[]): Promise<void> {
  const { epoch } = journal
  const last = journal.epochs()[0]?.last ?? 0
  for (let seq = 1; seq <= last; seq += 1) {
    if (without.includes(seq)) continue
    const { previous, records } = await journal.read({ epoch, first: seq, last: seq, maxBytes: 1 })
    await ledger.commit(makeBatch({ store: STORE, previous, records, historical: false }))
  }
}

const ask = (place: readonly string[], name: string, ...args: string[]) =>
  invoke(hqCommand, { args: [...place, name, '--store', STORE, ...args] })

const statement = (place: readonly string[], ...args: string[]) =>
  ask(place, 'statement', '--day', '2026-11-22', ...args)

t.test('equal, or what differs; of a stopped HQ and of a running one', async t => {
  const journal = await endedDay(t)
  const dataDir = freshDirectory(t)
  const place = ['--data', dataDir]
  const open = () => openLedger({ type: 'directory', dataDir }, { make: true })
  await (await open()).close()
  const empty = await statement(place)
  t.match(empty, { code: EXIT.cannotStart, stdout: /has no signed statement of this day/ })

  let ledger = await open()
  await send(journal, ledger, [4])
  await ledger.close()
  const behind = await statement(place)
  t.match(behind, { code: EXIT.findings, stdout: /fault: epoch 1-.*: record 4 is not there$/m })
  t.match(behind.stdout, /till-1 +sale\.completed +EUR +3 +7\.50 +2 +5\.00 {2}differs$/m)
  t.match(behind.stdout, /^differs$/m)

  ledger = await open()
  await send(journal, ledger, [])
  await ledger.close()
  const whole = await statement(place)
  t.match(whole, { code: EXIT.ok, stderr: '' })
  t.match(whole.stdout, new RegExp(`^statement 1-.* signed with ${STORE_KEY.publicKey}$`, 'm'))
  t.match(whole.stdout, /^ {2}covers 1-[0-9a-f]{32}: 1 to 5, head [0-9a-f]{64}$/m)
  t.match(whole.stdout, /till-1 +sale\.completed +cash +EUR +3 +7\.50 +3 +7\.50$/m)
  t.match(whole.stdout, /^equal$/m)

  ledger = await open()
  const status = () => {
    throw new Error('not asked for')
  }
  const path = querySocket(dataDir)
  const queries = new QueryServer({ ledger, path, logger: silentLogger, status })
  await queries.start()
  t.same(await statement(place), whole, 'a running one says the same')
  const json = await statement(place, '--json')
  t.match(JSON.parse(json.stdout), { isEqual: true, statements: [{ day: '2026-11-22' }] })
  t.match(await ask(place, 'key'), { code: EXIT.ok, stdout: `${STORE_KEY.publicKey}\n` })
  const trusted = { code: EXIT.ok, stdout: `${STORE_KEY.publicKey}\n${OTHER_KEY.publicKey}\n` }
  t.match(await ask(place, 'key', '--trust', OTHER_KEY.publicKey), trusted)
  await queries.stop()
  await ledger.close()
  t.match(await ask(place, 'key'), trusted)
})

t.test('of a ledger in PostgreSQL', async t => {
  const postgres = await startPostgres()
  t.teardown(() => postgres.stop())
  const journal = await endedDay(t)
  const url = await postgres.url('statement')
  const place = ['--ledger', url]
  t.match(await ask(place, 'key', '--trust', OTHER_KEY.publicKey), { code: EXIT.ok })
  t.match(await ask(place, 'key', '--trust', STORE_KEY.publicKey), { code: EXIT.ok })
  const ledger = await openLedger({ type: 'postgres', address: { url } })
  await send(journal, ledger, [4])
  t.match(await statement(place), { code: EXIT.findings, stdout: /record 4 is not there/ })
  await send(journal, ledger, [])
  t.match(await statement(place), { code: EXIT.ok, stdout: /^equal$/m })
  await ledger.close()
})

t.test('misspelt flags are said', async t => {
  const place = ['--data', join(freshDirectory(t), 'none')]
  const wrong = {
    'statement --store HQ --day 2026-11-22': /--store: .*store-001/,
    'statement --store store-001 --day yesterday': /--day: .*2026-11-22/,
    'key --store store-001 --trust abc': /--trust: .*64/,
  }
  for (const [args, stderr] of Object.entries(wrong))
    t.match(await invoke(hqCommand, { args: [...place, ...args.split(' ')] }), {
      code: EXIT.usage,
      stderr,
    })
})
