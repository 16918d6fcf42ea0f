import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { configCommand } from '../../gateway/cli/commands/config.js'
import { doctorCommand } from '../../gateway/cli/commands/doctor.js'
import { hqCommand } from '../../gateway/cli/commands/hq.js'
import { profileCommand } from '../../gateway/cli/commands/profile.js'
import { EXIT } from '../../gateway/cli/exit-codes.js'
import { invoke } from '../support/command.js'

const SHOP = 'store: store-001\nhq: { url: mqtts://127.0.0.1:1 }\n'

t.test('config check names every fault and ends with 2', async t => {
  const folder = t.testdir({ 'good.yaml': SHOP, 'bad.yaml': 'store: HQ\nhq: { url: 1 }\n' })
  const check = (name: string) => ['check', '--config', join(folder, name)]
  const good = await invoke(configCommand, { args: check('good.yaml') })
  t.match(good, {
    code: EXIT.ok,
    stdout: /^ok: store-001, 0 terminals/,
    stderr: /^warning: termin/,
  })
  const bad = await invoke(configCommand, { args: check('bad.yaml') })
  t.match(bad, { code: EXIT.usage, stdout: '', stderr: /bad\.yaml:1:8: .*\n.*bad\.yaml:2:12: / })
  t.match(await invoke(configCommand, { args: ['check'] }), {
    code: EXIT.usage,
    stderr: /--config <file>/,
  })
  const env = { TILLBRIDGE_CONFIG: join(folder, 'good.yaml'), TILLBRIDGE_STORE_ID: 'store-007' }
  t.match(await invoke(configCommand, { args: ['check'], env }), { stdout: /^ok: store-007/ })
})

t.test('profile list and test, of the built-in profiles and of others', async t => {
  const list = await invoke(profileCommand, { args: ['list'] })
  t.match(list, { code: EXIT.ok, stdout: /^tillbridge\/reference-till +\S.*\(.* to .*: \S+\)$/m })
  const good = await invoke(profileCommand, { args: ['test'] })
  t.match(good, { code: EXIT.ok, stdout: /^\d{2,} cases passed, 0 failed$/m, stderr: '' })

  const folder = t.testdir({ tillbridge: {} })
  cpSync('firmware-profiles/tillbridge', join(folder, 'tillbridge'), { recursive: true })
  const file = join(folder, 'tillbridge/ecr-lrc.cases.yaml')
  const cases = readFileSync(file, 'utf8')
  writeFileSync(file, cases.replace(/totalMinor: \d+/, 'totalMinor: 1'))
  const bad = await invoke(profileCommand, { args: ['test', folder] })
  t.match(bad, {
    code: EXIT.findings,
    stdout: /, 1 failed$/m,
    stderr: /ecr-lrc\.cases\.yaml:\d+: /,
  })
  writeFileSync(file, cases.replace('hex:', 'hax:'))
  const broken = await invoke(profileCommand, { args: ['test', folder] })
  t.match(broken, { code: EXIT.usage, stdout: '', stderr: /ecr-lrc\.cases\.yaml:\d+:\d+: .*hex/ })
})

t.test('doctor ends with 1 where something will not work, and speaks JSON', async t => {
  const folder = t.testdir({ 'shop.yaml': `${SHOP}dataDir: data\n` })
  const args = ['--config', join(folder, 'shop.yaml')]
  const table = await invoke(doctorCommand, { args })
  t.match(table, { code: EXIT.findings, stdout: /^fail {2}HQ port .*\n +Check the port/m })
  const json = await invoke(doctorCommand, { args: [...args, '--json'] })
  const findings: unknown = JSON.parse(json.stdout)
  t.match(findings, [
    {},
    { name: 'broker.listen' },
    {},
    { name: 'data directory', state: 'ok', found: /will be made/ },
  ])
  const machine = await invoke(doctorCommand, { args: [] })
  t.notMatch(machine.stdout, /HQ|data directory/, 'without a shop, only the machine')
})

t.test('hq checks its flags before it touches anything', async t => {
  const data = join(t.testdir(), 'hq')
  const wrong = {
    '--ca /nowhere.pem --broker mqtts://hq.example': /--ca: .*write its path/,
    '--password-file /nowhere --broker mqtt://hq.example': /--password-file: .*write its path/,
    '--clients /nowhere.yaml': /nowhere\.yaml:1:1: .*write its path/,
    '--listen nonsense': /--listen: .*write --listen 127\.0\.0\.1:1883/,
  }
  for (const [flags, stderr] of Object.entries(wrong)) {
    const args = ['--data', data, '--log-level', 'silent', ...flags.split(' ')]
    t.match(await invoke(hqCommand, { args }), { code: EXIT.usage, stderr }, flags)
  }
  t.notOk(existsSync(data))
})

t.test('a question to a ledger that is not there makes none', async t => {
  const data = join(t.testdir(), 'hq')
  const day = ['--store', 'store-001', '--day', '2026-11-22']
  for (const args of [['status'], ['export'], ['backup', 'begin'], ['statement', ...day]]) {
    const answer = await invoke(hqCommand, { args: [...args, '--data', data] })
    t.match(answer, { code: EXIT.cannotStart, stderr: /there is no ledger/ }, args.join(' '))
  }
  t.notOk(existsSync(data))
})

t.test(
  'profile vectors ends with its counts, and says by its exit code whether all passed',
  async t => {
    const source = 'test/fixtures/vectors/cctalk.json'
    const [one] = JSON.parse(readFileSync(source, 'utf8'))
    const folder = t.testdir({
      'wrong.json': JSON.stringify([one, { ...one, name: 'mine', expect: { no_such_key: 1 } }]),
      'broken.json': '[',
    })
    const vectors = (...files: readonly string[]) =>
      invoke(profileCommand, { args: ['vectors', ...files] })
    const good = await vectors(source)
    t.match(good, { code: EXIT.ok, stdout: /\n\d+ passed, 0 failed\n$/ })
    const wrong = await vectors(join(folder, 'wrong.json'))
    t.match(wrong, {
      code: EXIT.findings,
      stdout: /mine[\s\S]*no_such_key[\s\S]*\n1 passed, 1 failed\n$/,
    })
    t.match(await vectors(join(folder, 'broken.json')), {
      code: EXIT.usage,
      stderr: /broken\.json/,
    })
  },
)
