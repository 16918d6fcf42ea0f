import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { CLI } from '../support/test-shop.js'
import { until } from '../support/until.js'

t.setTimeout(600_000)

/** `tillbridge start` without a terminal: what it printed so far, and questions to that. */
class RunningDemo {
  readonly process: ChildProcessWithoutNullStreams
  output = ''

  constructor(dataDir: string, env = process.env) {
    this.process = spawn(process.execPath, [CLI, 'start', '--data', dataDir], { env })
    for (const stream of [this.process.stdout, this.process.stderr])
      stream.setEncoding('utf8').on('data', text => {
        this.output += text
      })
  }

  /** The newest figure after this word in the summary lines. */
  latest(word: string): number {
    const all = [...this.output.matchAll(new RegExp(`\\b${word} (\\d+)`, 'g'))]
    return Number(all.at(-1)?.[1] ?? 0)
  }

  pidsOf(name: 'hq' | 'gateway'): number[] {
    const lines = this.output.matchAll(new RegExp(`^${name}: running, pid (\\d+)`, 'gm'))
    return [...lines].map(([, pid]) => Number(pid))
  }
}

function afterLastStart(output: string): string {
  return output.slice(output.lastIndexOf('gateway: running'))
}

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false // ESRCH: it is gone
  }
}

t.test('the demo survives what its screen invites to, and ends in order', async t => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tillbridge-demo-'))
  const demo = new RunningDemo(dataDir)
  const exited = once(demo.process, 'exit')
  t.teardown(() => {
    demo.process.kill('SIGKILL')
    rmSync(dataDir, { recursive: true, force: true })
  })

  await until('sales reach the ledger', () => demo.latest('sales') >= 3)
  const [, command = ''] = /listen as HQ would: +(mosquitto_sub .*)/.exec(demo.output) ?? []
  const listener = spawn('/bin/sh', ['-c', `exec ${command}`])
  t.teardown(() => listener.kill())
  const [heard] = await once(listener.stdout, 'data')
  t.match(String(heard), /^tillbridge\/1\/store-001\/events\//, 'the command it prints works')
  await until('all terminals', () => demo.output.includes('terminals 7/7'))

  const second = spawnSync(process.execPath, [CLI, 'start', '--data', dataDir], {
    encoding: 'utf8',
  })
  t.equal(second.status, 3, 'a second one on the same directory ends')
  t.match(second.stderr, /another `tillbridge start` runs on/)

  const [gatewayPid = 0] = demo.pidsOf('gateway')
  process.kill(gatewayPid, 'SIGKILL')
  await until('another gateway', () => demo.pidsOf('gateway').length === 2)
  const before = demo.latest('sales')
  await until('all terminals again', () => /terminals 7\/7/.test(afterLastStart(demo.output)))
  await until('sales reach the ledger again', () => demo.latest('sales') > before)

  demo.process.kill('SIGUSR2')
  await until('the link is pulled', () => demo.output.includes('link to HQ: pulled'))
  await until('the journal keeps what HQ cannot have', () => demo.latest('backlog') > 3)
  const whenPulled = demo.latest('sales')
  demo.process.kill('SIGUSR2')
  await until('the backlog drains', () => demo.latest('backlog') === 0)
  await until('and arrives', () => demo.latest('sales') > whenPulled + 2)

  const pids = [...demo.pidsOf('hq'), ...demo.pidsOf('gateway')]
  demo.process.kill('SIGTERM')
  t.same(await exited, [0, null])
  t.match(demo.output, /ended: \d+ sales in HQ's ledger of \d+ records, lost 0, doubled 0\.\n$/)
  t.notMatch(demo.output, /lost [1-9]|doubled [1-9]/)
  t.same(pids.filter(lives), [], 'no child is left')
})

t.test('without a dbus-daemon the demo has no terminals on Bluetooth, and says so', async t => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tillbridge-demo-'))
  const bin = t.testdir({ setpriv: t.fixture('symlink', '/usr/bin/setpriv') })
  const demo = new RunningDemo(dataDir, { ...process.env, PATH: bin })
  const exited = once(demo.process, 'exit')
  t.teardown(() => {
    demo.process.kill('SIGKILL')
    rmSync(dataDir, { recursive: true, force: true })
  })
  await until('the others', () => demo.output.includes('terminals 5/5'))
  t.match(demo.output, /^terminals on Bluetooth: +none: .*dbus-daemon .*apt install dbus$/m)
  demo.process.kill('SIGTERM')
  t.same(await exited, [0, null])
})
