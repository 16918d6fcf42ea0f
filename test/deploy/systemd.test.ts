import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { notifySocket } from '../support/notify-socket.js'
import { ended, MAIN, startProgram } from '../support/program.js'
import { until } from '../support/until.js'

const UNIT = 'deploy/systemd/tillbridge.service'
/** Of ten, in tenths: what systemd calls OK ends at 4.0. */
const EXPOSURE = 25

t.test('systemd takes the unit as it is meant', async t => {
  const folder = t.testdir()
  const copy = join(folder, 'tillbridge.service')
  // It is no unit where its program is not there.
  writeFileSync(copy, readFileSync(UNIT, 'utf8').replaceAll('/opt/tillbridge/launch', '/bin/true'))
  const verified = spawnSync('systemd-analyze', ['verify', copy], { encoding: 'utf8' })
  t.strictSame([verified.status, verified.stderr], [0, ''])
  const security = ['security', '--offline=yes', '--no-pager']
  const threshold = `--threshold=${EXPOSURE}`
  execFileSync('systemd-analyze', [...security, threshold, copy], { stdio: 'ignore' })
  const open = join(folder, 'open.service')
  writeFileSync(open, '[Service]\nExecStart=/bin/true\n')
  t.not(spawnSync('systemd-analyze', [...security, threshold, open]).status, 0, 'without a sandbox')
})

t.test(
  'the gateway is ready when it sells, alive while it lives, and says when it stops',
  async t => {
    const { path, heard } = await notifySocket(t)
    const folder = t.testdir({
      'shop.yaml': `store: store-001
timeZone: Europe/Berlin
dataDir: data
healthFile: health
hq: { url: mqtt://127.0.0.1:9 }
broker: off
terminals: []
`,
    })
    const env = { NOTIFY_SOCKET: path, WATCHDOG_USEC: '300000' }
    const config = join(folder, 'shop.yaml')
    const child = startProgram(t, [process.execPath, MAIN, 'run', '--config', config], env)
    const end = ended(child)
    const health = (file: string) => spawnSync('sh', ['deploy/health.sh', file]).status
    t.equal(health(join(folder, 'health')), 1, 'it does not sell yet')
    await until('well', () => health(join(folder, 'health')) === 0)
    await until('ready', () => heard().startsWith('READY=1WATCHDOG=1WATCHDOG=1'))
    child.kill('SIGTERM')
    t.match(await end, { code: 0 })
    await until('stopped', () => heard().endsWith('STOPPING=1'))
  },
)

t.test('a process that is stuck is ended by its health check', async t => {
  const file = join(t.testdir(), 'health')
  const stuck = startProgram(t, ['sleep', '600'])
  const end = ended(stuck)
  const check = () => spawnSync('sh', ['deploy/health.sh', file], { encoding: 'utf8' })
  const uptime = Number(readFileSync('/proc/uptime', 'utf8').split('.')[0])
  writeFileSync(file, `${stuck.pid} ${uptime}\n`)
  t.match(check(), { status: 0, stdout: '' })
  writeFileSync(file, '')
  t.match(check(), { status: 1, stdout: /does not sell/ }, 'a full disk is no reason')
  t.equal(stuck.exitCode ?? stuck.signalCode, null)
  writeFileSync(file, `${stuck.pid} ${uptime - 61}\n`)
  t.match(check(), { status: 1, stdout: /no sign of life for/ })
  await end
  t.equal(stuck.signalCode, 'SIGKILL')
})
