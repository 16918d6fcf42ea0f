import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { EXIT } from '../../gateway/cli/exit-codes.js'
import { ended, MAIN, startProgram } from '../support/program.js'

/** A shop whose HQ does not answer: the gateway must run all the same. */
function shop(t: Test, more: string): Readonly<Record<string, string>> {
  const dataDir = join(t.testdir({}), 'data')
  const yaml = `store: store-001\nhq: { url: mqtt://127.0.0.1:1 }\ndataDir: ${dataDir}\n${more}`
  return { TILLBRIDGE_CONFIG_YAML: yaml }
}

const run = (t: Test, env: Readonly<Record<string, string>>) =>
  startProgram(t, [process.execPath, MAIN, 'run'], env)

/** The log as JSON lines. */
const linesOf = (stdout: string): readonly unknown[] =>
  stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))

t.test('a signal stops the gateway cleanly; a second gateway is told who is first', async t => {
  const env = shop(t, 'broker: off')
  const first = run(t, env)
  const firstEnd = ended(first)
  await once(first.stdout, 'data')

  const { code, stdout } = await ended(run(t, env))
  t.equal(code, EXIT.locked)
  t.match(linesOf(stdout).at(-1), { level: 60, code: 'TB_JOURNAL_LOCKED', advice: /dataDir/ })

  first.kill('SIGTERM')
  const end = await firstEnd
  t.equal(end.code, EXIT.ok)
  t.match(linesOf(end.stdout), [{ msg: 'selling' }])
  t.match(linesOf(end.stdout).at(-1), { msg: 'stopped' })
  t.match(end.stderr, /^warning: terminals: none/)
})

t.test('what it cannot start with decides its exit code', async t => {
  const taken = createServer()
  taken.listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const address = taken.address()
  const port = typeof address === 'object' ? address?.port : 0
  const env = shop(t, `broker: { listen: '127.0.0.1:${port}' }`)
  const busy = await ended(run(t, env))
  t.equal(busy.code, EXIT.cannotStart)
  t.match(linesOf(busy.stdout).at(-1), { level: 60, code: 'TB_BROKER_LISTEN' })

  const terminal =
    "{ id: r1, profile: no/such, firmware: '1', line: { tcp: { host: a, port: 1 } } }"
  const unknown = await ended(run(t, shop(t, `broker: off\nterminals: [ ${terminal} ]`)))
  t.equal(unknown.code, EXIT.usage)
  t.match(linesOf(unknown.stdout).at(-1), { level: 60, code: 'TB_PROFILE_UNKNOWN' })

  // script(1) gives the program a terminal to write on.
  const command = `${process.execPath} ${MAIN} run`
  const shown = await ended(startProgram(t, ['script', '-qec', command, '/dev/null'], env))
  t.equal(shown.code, EXIT.cannotStart)
  t.match(shown.stdout, /^\S*\[\d\d:\d\d:\d\d\.\d{3}\].*FATAL.*$/m)
  t.notMatch(shown.stdout, /"level"/, 'for people, not for machines')
})
