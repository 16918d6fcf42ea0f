import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { journalCommand } from '../../gateway/cli/commands/journal.js'
import { EXIT } from '../../gateway/cli/exit-codes.js'
import { systemRandom } from '../../gateway/core/random.js'
import { slotKey } from '../../gateway/journal/keys.js'
import { openJournalDatabase } from '../../gateway/journal/open-database.js'
import { endOfStatement } from '../../gateway/journal/signed-memory.js'
import { sumWindow } from '../../gateway/journal/statement-window.js'
import { publicKeyToPem } from '../../gateway/security/signature.js'
import { openStoreKey } from '../../gateway/security/store-key.js'
import { LedgerChecker } from '../../gateway/simulator/ledger-checker.js'
import { journalIn } from '../journal/open.js'
import { invoke } from '../support/command.js'
import { ended, MAIN, startProgram } from '../support/program.js'
import { sale } from '../support/sample.js'
import { checkpointAt, OTHER_KEY, signed } from '../support/signed.js'

/** A data directory with two epochs: sales 1 to 3, then 4 and a conflict with 1. */
async function dataDirectory(t: Test): Promise<string> {
  const dataDir = t.testdir({ journal: {} })
  const { key } = await openStoreKey(dataDir, systemRandom)
  const first = await journalIn(join(dataDir, 'journal'))
  await first.append([1, 2, 3].map(number => sale({ number })))
  await first.seal(end => checkpointAt(end, key))
  await first.close()
  const second = await journalIn(join(dataDir, 'journal'))
  await second.append([sale({ number: 4 }), sale({ number: 1, totalMinor: 999 })])
  await second.seal(end => checkpointAt(end, key))
  await second.close()
  return dataDir
}

// Each command listens for signals, as a process of its own would.
process.setMaxListeners(100)

const journal = (...args: string[]) => invoke(journalCommand, { args })

async function damage(dataDir: string): Promise<void> {
  const database = await openJournalDatabase(join(dataDir, 'journal'))
  const key = slotKey({ ordinal: 1, seq: 3 })
  await database.batch([{ type: 'put', key, value: Buffer.from('x') }], { sync: true })
  await database.close()
}

t.test('verify says what is there, by which key, and how far it is signed', async t => {
  const dataDir = await dataDirectory(t)
  const sound = await journal('verify', dataDir)
  t.match(sound, { code: EXIT.ok, stderr: '' })
  t.match(sound.stdout, /^epoch 1-[0-9a-f]{32}: records 1 to 5, head [0-9a-f]{64}$/m)
  t.match(sound.stdout, /^10 records in 2 epochs$/m)
  t.match(sound.stdout, /^2 checkpoints, 0 statements of key [0-9a-f]{64} \(1\/5 to 2\/5\)$/m)
  t.match(sound.stdout, /^trusted: key .* of .*store-key\.pub\.pem$/m)
  t.match(sound.stdout, /^signed up to 2\/4; not under a signature yet: 1$/m)
  t.match(sound.stdout, /^sound$/m)
  t.match(JSON.parse((await journal('verify', dataDir, '--json')).stdout), {
    sound: true,
    records: 10,
  })

  await damage(dataDir)
  const unsound = await journal('verify', join(dataDir, 'journal'))
  t.match(unsound, { code: EXIT.findings, stdout: /^fault at 1\/3: it holds no record$/m })
  t.match(unsound.stdout, /^not sound$/m)
})

t.test('a key of the auditor stands above the one that lies there', async t => {
  const dataDir = await dataDirectory(t)
  const own = join(dataDir, 'store-key.pub.pem')
  const other = join(dataDir, 'other.pem')
  writeFileSync(other, publicKeyToPem(OTHER_KEY.publicKey))
  const verify = (...more: string[]) => journal('verify', dataDir, ...more)
  const foreign = await verify('--public-key', other)
  t.match(foreign, { code: EXIT.findings, stdout: /nothing is signed with it/ })
  t.match(foreign.stdout, /^fault at 1\/5: .*not trusted/m)
  renameSync(own, join(dataDir, 'kept.pem'))
  t.match(await verify('--public-key', join(dataDir, 'kept.pem')), { code: EXIT.ok })
  t.match(await verify(), { code: EXIT.ok, stdout: /^warning: no key was given/m })
  for (const wrong of ['store-key.pem', 'nowhere.pem'])
    t.match(await verify('--public-key', join(dataDir, wrong)), {
      code: EXIT.usage,
      stderr: /expected a public key/,
    })
})

t.test('list: a line a record, by place, type, terminal and day', async t => {
  const dataDir = await dataDirectory(t)
  const lines = async (...more: string[]) => {
    const { code, stdout } = await journal('list', dataDir, ...more)
    t.equal(code, EXIT.ok)
    return stdout.split('\n').slice(0, -1)
  }
  const all = await lines()
  t.equal(all.length, 10)
  t.match(
    all[1],
    /^1\/2 {2}2026-11-22T12:00:00\.000\+01:00 {2}till-1 {2}sale\.completed {2}sale-1$/,
  )
  t.same(await lines('--from', '1/2', '--to', '1/4'), all.slice(1, 4))
  t.same(await lines('--type', 'event.conflict', '--from', '2/1'), all.slice(8, 9))
  t.equal((await lines('--terminal', 'gateway')).length, 4)
  t.equal((await lines('--day', '2026-11-22')).length, 10)
  t.same(await lines('--day', '2026-11-23'), [])
  t.match(await journal('list', dataDir, '--from', 'x'), { code: EXIT.usage, stderr: /2\/4711/ })
  const odd = await journalIn(join(dataDir, 'journal'))
  await odd.append([{ ...sale({ number: 5 }), subject: '\u001b[2J5' }])
  await odd.close()
  t.match((await lines('--from', '3/2'))[0], /sale\.completed {2}\ufffd\[2J5$/)
  await damage(dataDir)
  const torn = await journal('list', dataDir)
  t.match(torn, { code: EXIT.findings, stderr: /^1\/3: it holds no record$/m })
  t.equal(torn.stdout.split('\n').length, 12)
})

t.test('show: one record in full, by place or id; a conflict shows both', async t => {
  const dataDir = await dataDirectory(t)
  const { stdout } = await journal('show', dataDir, '1/2')
  t.match(JSON.parse(stdout), {
    place: '1/2',
    header: { seq: 2, type: 'sale.completed' },
    hash: /^[0-9a-f]{64}$/,
    event: { id: 'sale-1', data: { totalMinor: 250 } },
  })
  const both = await journal('show', dataDir, 'sale-1')
  t.match(both, { code: EXIT.ok, stdout: /"totalMinor": 250(.|\n)*"totalMinor": 999/ })
  for (const nothing of ['9/9', 'sale-77'])
    t.match(await journal('show', dataDir, nothing), { code: EXIT.findings, stderr: nothing })
})

t.test('export: the independent checker reads it as it reads that of a ledger', async t => {
  const dataDir = await dataDirectory(t)
  const { code, stdout } = await journal('export', dataDir)
  t.equal(code, EXIT.ok)
  const rows = stdout.split('\n').slice(0, -1)
  const kinds = rows.map(row => JSON.parse(row).kind)
  t.same(kinds.indexOf('conflict'), 7)
  t.equal(kinds.filter(kind => kind === 'event').length, 9)
  const checker = new LedgerChecker()
  for (const row of rows) checker.addRow(row)
  const { chain } = checker.report({ settled: true })
  t.same(chain, { epochs: 2, records: 10, verified: 10, unverified: 0, breaks: [] })
  const forged = new LedgerChecker()
  for (const row of rows) forged.addRow(row.replaceAll('Milk', 'Mild'))
  t.ok(forged.report({ settled: true }).chain.breaks.length > 0)
  const part = await journal('export', dataDir, '--from', '2/2', '--to', '2/3')
  t.same(
    part.stdout.split('\n').slice(0, -1),
    rows.slice(6, 8).map((row, index) => row.replace(/"position":\d+/, `"position":${index + 1}`)),
  )
})

t.test('statement: what was stated beside the records, and what is in none yet', async t => {
  const dataDir = await dataDirectory(t)
  const open = await journal('statement', dataDir, '--day', '2026-11-22')
  t.match(open, { code: EXIT.ok, stdout: /^in no statement yet$/m })
  t.match(open.stdout, /till-1 +sale\.completed +EUR +5 +19\.99$/m)

  const { key } = await openStoreKey(dataDir, systemRandom)
  const held = await journalIn(join(dataDir, 'journal'))
  const { signal } = new AbortController()
  const state = async (change: object) => {
    const newest = await held.newest('journal.statement')
    const after = newest?.type === 'journal.statement' ? endOfStatement(newest.data) : undefined
    const window = await sumWindow({ journal: held, after, signal })
    if (window === undefined) throw new Error('nothing to state')
    const data = { day: '2026-11-22', ...window.statement, ...change }
    await held.append([signed('journal.statement', data, key)])
  }
  await state({})
  await held.append([sale({ number: 9 })])
  await state({ conflicts: 3 })
  await held.append([sale({ number: 10 })])
  await held.close()
  const both = await journal('statement', dataDir, '--day', '2026-11-22')
  t.match(both, { code: EXIT.findings, stderr: '' })
  t.match(both.stdout, /^statement 3\/2, at the end of 2026-11-22$/m)
  t.match(both.stdout, /till-1 +sale\.completed +EUR +5 +19\.99 +5 +19\.99$/m)
  t.match(both.stdout, /^ {2}fault: conflicts: 3 stated, 0 held$/m)
  const rest = both.stdout.slice(both.stdout.indexOf('in no statement yet'))
  t.match(rest, /till-1 +sale\.completed +EUR +1 +2\.50$/m)
  t.match(both.stdout, /^differs$/m)
  const other = await journal('statement', dataDir, '--day', '2026-11-21')
  t.match(other, { code: EXIT.ok, stdout: 'equal\n' })
  t.match(await journal('statement', dataDir, '--day', 'x'), { code: EXIT.usage })
})

t.test(
  'as a program: a journal in use, none at all, and a reader that has seen enough',
  async t => {
    const dataDir = await dataDirectory(t)
    const held = await journalIn(join(dataDir, 'journal'))
    const run = (...args: string[]) =>
      ended(startProgram(t, [process.execPath, MAIN, 'journal', ...args]))
    t.match(await run('verify', dataDir), { code: EXIT.locked, stderr: /copy the folder/ })
    await held.close()
    rmSync(join(dataDir, 'store-key.pem'))
    t.match(await run('verify', dataDir), { code: EXIT.ok }, 'with only the public key')
    mkdirSync(join(dataDir, 'none'))
    t.match(await run('list', join(dataDir, 'none')), {
      code: EXIT.cannotStart,
      stderr: /no journal/,
    })
    t.match(await run('--help'), { code: EXIT.ok, stdout: /3 a gateway has it open/ })
    const piped = `${process.execPath} ${MAIN} journal export ${dataDir} | true`
    const script = `${piped}; echo "ended with \${PIPESTATUS[0]}"`
    const closed = await ended(startProgram(t, ['bash', '-c', script]))
    t.match(closed, { stdout: 'ended with 0', stderr: /^$/ })
  },
)
