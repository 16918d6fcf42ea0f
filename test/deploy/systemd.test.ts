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
hq: { url: mqtt://127.0.0.1:9 }
broker: off
terminals: []
`,
    })
    const env = { NOTIFY_SOCKET: path, WATCHDOG_USEC: '300000' }
    const config = join(folder, 'shop.yaml')
    const child = startProgram(t, [process.execPath, MAIN, 'run', '--config', config], env)
    const end = ended(child)
    await until('ready', () => heard().startsWith('READY=1WATCHDOG=1WATCHDOG=1'))
    child.kill('SIGTERM')
    t.match(await end, { code: 0 })
    await until('stopped', () => heard().endsWith('STOPPING=1'))
  },
)
