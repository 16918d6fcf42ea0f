import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { hqCommand } from '../../gateway/cli/commands/hq.js'
import { EXIT } from '../../gateway/cli/exit-codes.js'
import { invoke } from '../support/command.js'
import { startMosquitto } from '../support/mosquitto.js'
import { LOCKED, startPostgres } from '../support/postgres.js'
import { type Ended, ended, MAIN, startProgram } from '../support/program.js'
import { freshDirectory, openShop, sell, upTo } from '../support/shop.js'
import { until } from '../support/until.js'

t.setTimeout(600_000)

const postgres = await startPostgres()
t.teardown(() => postgres.stop())
const superuser = await postgres.url('hq')
await postgres.query(
  superuser,
  `CREATE ROLE ${LOCKED.user} LOGIN SUPERUSER PASSWORD '${LOCKED.password}'`,
)
const url = await postgres.url('hq', { user: LOCKED.user })

function passwordFile(t: Test, text: string = LOCKED.password): string {
  const file = join(freshDirectory(t), 'password')
  writeFileSync(file, `${text}\n`, { mode: 0o600 })
  return file
}

function hq(t: Test, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return startProgram(t, [process.execPath, MAIN, 'hq', ...args], env)
}

t.test('the flags name one ledger, and no mistake shows a password', async t => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /--data: .*write --data <dir>, or --ledger <url>/],
    ['--ledger mysql://u:s3cret@db/x', /--ledger: .*write postgres:/],
    ['--ledger postgres://db/x --ledger-password-file /nowhere', /--ledger-password-file: .*path/],
  ]
  for (const [flags, stderr] of cases) {
    const said = await invoke(hqCommand, { args: flags === '' ? [] : flags.split(' ') })
    t.match(said, { code: EXIT.usage, stderr }, flags)
    t.notMatch(said.stderr, /s3cret/)
  }
  const both = await ended(hq(t, ['--data', 'x', '--ledger', 'postgres://u:s3cret@db/x']))
  t.match(both, { code: EXIT.usage, stderr: /'--ledger <url>' cannot be used with .*--data/ })
  t.notMatch(both.stderr, /s3cret/)
})

t.test('hq serves on PostgreSQL, and its ledger is exported while it runs', async t => {
  const broker = await startMosquitto()
  t.teardown(() => broker.stop())
  const ledger = ['--ledger', url, '--ledger-password-file', passwordFile(t)]
  const place = [...ledger, '--broker', `mqtt://127.0.0.1:${broker.port}`, '--topic-root', 'tb']
  const running = hq(t, place)
  const said = ended(running)
  const { journal } = await openShop(t, { port: broker.port })
  await sell(journal, upTo(5))
  await until('all is confirmed', () => journal.statistics().backlog === 0)
  const after = await ended(hq(t, ['export', ...ledger, '--after', '2']))
  t.match(after, { code: EXIT.ok, stderr: '' })
  const positions = after.stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line).position)
  t.same(positions, [3, 4, 5, 6])
  running.kill('SIGTERM')
  const { code, stdout, stderr } = await said
  t.equal(code, EXIT.ok)
  t.notMatch(`${stdout}${stderr}`, LOCKED.password)
})

t.test('the password also comes from where PostgreSQL’s own programs look', async t => {
  const exported = async (env: Readonly<Record<string, string>>): Promise<Ended> =>
    ended(hq(t, ['export', '--ledger', url], env))
  const line = `*:*:*:${LOCKED.user}:${LOCKED.password}`
  for (const env of [{ PGPASSFILE: passwordFile(t, line) }, { PGPASSWORD: LOCKED.password }])
    t.match(await exported(env), { code: EXIT.ok, stdout: /^\{"position":1,/ })
  const refused = await exported({ PGPASSWORD: 'guessed' })
  t.match(refused, { code: EXIT.cannotStart, stdout: '', stderr: /authentication failed/ })
  t.notMatch(refused.stderr, /guessed/)
})

t.test('what keeps HQ from starting is said with advice', async t => {
  const away = await ended(hq(t, ['--ledger', 'postgres://127.0.0.1:1/x']))
  t.match(JSON.parse(after(away)), {
    code: 'TB_LEDGER_UNREACHABLE',
    msg: /ECONNREFUSED.*is it running/,
    advice: /Check that it runs/,
  })
  t.equal(away.code, EXIT.cannotStart)
})

function after({ stdout }: Ended): string {
  return stdout.trim().split('\n').at(-1) ?? ''
}

t.test('no gateway, and no HQ on an embedded ledger, has pg in its memory', async t => {
  const ask = (files: readonly string[]) => `
    ${files.map(file => `await import(process.cwd() + '/build/gateway/${file}.js')`).join('\n')}
    const { createRequire } = await import('node:module')
    const loaded = Object.keys(createRequire(process.cwd() + '/x.js').cache)
    process.stdout.write(String(loaded.filter(path => /node_modules.pg./.test(path)).length))`
  const loadedBy = async (...files: readonly string[]): Promise<number> => {
    const args = ['--input-type=module', `--eval=${ask(files)}`]
    return Number((await ended(startProgram(t, [process.execPath, ...args]))).stdout)
  }
  t.equal(await loadedBy('main', 'cli/commands/run', 'cli/commands/start', 'cli/commands/hq'), 0)
  t.ok((await loadedBy('hq/postgres/postgres-ledger')) > 3, 'the question is a good one')
})
