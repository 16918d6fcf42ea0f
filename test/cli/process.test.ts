import { type ChildProcess, execFileSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { EXIT, exitCodeOf } from '../../gateway/cli/exit-codes.js'
import { TillbridgeError } from '../../gateway/core/errors.js'
import { verifyPassword } from '../../gateway/security/password.js'
import { terminalOn } from '../support/machine.js'
import { ended, MAIN, startProgram } from '../support/program.js'

const SHOP = 'store: store-001\nhq: { url: mqtts://127.0.0.1:1 }\n'

t.test('usage: help on standard output, mistakes on standard error with 2', async t => {
  const tillbridge = (...args: readonly string[]) =>
    ended(startProgram(t, [process.execPath, MAIN, ...args]))
  const help = await tillbridge('--help')
  t.match(help, { code: EXIT.ok, stdout: /doctor .*check this machine/, stderr: '' })
  t.match(await tillbridge('--version'), { code: EXIT.ok, stdout: /^\d+\.\d+\.\d+/ })
  const register = await tillbridge('simulate', 'register', '--help')
  t.match(register.stdout, /--id <id> .*\(required\)[\s\S]*--log <file> [\s\S]*?\(required\)/)
  t.notMatch(register.stdout, /--sales .*\(required\)/)
  const nowhere = await tillbridge('profile', 'explain', '00', '--time-zone', 'Europe/Nowhere')
  t.match(nowhere, { code: EXIT.usage, stderr: /expected an IANA name such as Europe\/Berlin/ })
  const wrong = await tillbridge('doctr')
  t.match(wrong, { code: EXIT.usage, stdout: '', stderr: /Did you mean doctor/ })
})

t.test('password: the hash of what standard input says, nothing without', async t => {
  const hash = async (line: string) => {
    const child = startProgram(t, [process.execPath, MAIN, 'password'])
    child.stdin.end(line)
    return ended(child)
  }
  const { code, stdout } = await hash('s3cret\n')
  t.equal(code, EXIT.ok)
  t.ok(await verifyPassword('s3cret', stdout.trim()))
  t.match(await hash(''), { code: EXIT.usage, stdout: '', stderr: /standard input/ })
})

t.test('doctor tells a port that this user may not open', async t => {
  const port = join(t.testdir({ port: '' }), 'port')
  const shop = `${SHOP}${terminalOn(port)}\n`
  const asRoot = process.getuid?.() === 0
  // Root may open anything, unless it has put that power away and the file is somebody else's.
  const less = ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--inh-caps=-all']
  if (asRoot) execFileSync('chown', ['65534', port])
  chmodSync(port, asRoot ? 0o600 : 0)
  const child = startProgram(
    t,
    ['/usr/bin/env', ...(asRoot ? less : []), process.execPath, MAIN, 'doctor'],
    { TILLBRIDGE_CONFIG_YAML: shop },
  )
  t.match(await ended(child), {
    code: EXIT.findings,
    stdout:
      /^fail {2}port of r1 .* this user may not open it\n +Write `KERNEL=="port", GROUP="dialout"/m,
  })
})

t.test('a defect ends the process with 70 and one fatal line', async t => {
  // Holds the doctor in its handshake until the planted defect has struck.
  const mute = createServer(socket => socket.on('error', () => undefined))
  await new Promise<void>(resolve => mute.listen(0, '127.0.0.1', resolve))
  t.teardown(() => mute.close())
  const address = mute.address()
  const port = typeof address === 'object' ? address?.port : 0
  const env = { TILLBRIDGE_CONFIG_YAML: SHOP.replace(':1 ', `:${port} `) }
  for (const defect of ['throw new Error("boom")', 'Promise.reject(new Error("boom"))']) {
    const plant = `const once = setInterval(() => {
      if (process.listenerCount('unhandledRejection') === 0) return
      clearInterval(once)
      ${defect}
    }, 1)`
    const hook = `--import=data:text/javascript,${encodeURIComponent(plant)}`
    const { code, stdout } = await ended(
      startProgram(t, [process.execPath, hook, MAIN, 'doctor'], env),
    )
    t.equal(code, EXIT.defect)
    t.match(JSON.parse(stdout), { level: 60, code: 'TB_INTERNAL', msg: 'boom', stack: /boom/ })
  }
})

t.test('started by its name, the program has a larger thread pool', async t => {
  chmodSync(MAIN, 0o755)
  const show = 'process.stdout.write("pool " + process.env.UV_THREADPOOL_SIZE + "\\n")'
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(show)}` }
  t.match(await ended(startProgram(t, [MAIN, '--version'], env)), {
    code: 0,
    stdout: /^pool 16\n\d/,
  })
})

const WAITING = `
  const { systemClock } = await import(process.argv[1] + '/core/clock.js')
  const { stopSignal } = await import(process.argv[1] + '/cli/stop-signal.js')
  const after = (ms, ring) => systemClock.after(Math.min(ms, +process.argv[2]), ring)
  const manner = process.argv[3]
  const monotonicMs = () => (manner === 'echo' ? 0 : systemClock.monotonicMs() * 1000)
  const signal = stopSignal({ clock: { ...systemClock, after, monotonicMs }, exit: process.exit })
  const held = setInterval(() => undefined, 1000)
  signal.addEventListener('abort', () => {
    process.stdout.write('stopping')
    if (manner === 'clean') process.exit(0)
    if (manner === 'echo') setTimeout(process.exit, 200, 0)
  })
  process.stdout.write('ready')`

t.test('signals: the first stops, the second ends, and so does the limit', async t => {
  const run = (limitMs: number, manner: string) =>
    startProgram(t, [
      process.execPath,
      '--input-type=module',
      `--eval=${WAITING}`,
      join(process.cwd(), 'build/gateway'),
      String(limitMs),
      manner,
    ])
  const says = (child: ChildProcess) => new Promise(told => child.stdout?.once('data', told))

  const clean = run(60_000, 'clean')
  await says(clean)
  clean.kill('SIGTERM')
  t.match(await ended(clean), { code: EXIT.ok })

  const echoed = run(60_000, 'echo')
  await says(echoed)
  echoed.kill('SIGINT')
  await says(echoed)
  echoed.kill('SIGINT')
  t.match(await ended(echoed), { code: EXIT.ok }, 'what npm hands on is the same Ctrl-C')

  for (const [signal, code] of [
    ['SIGTERM', EXIT.terminated],
    ['SIGINT', EXIT.interrupted],
  ] as const) {
    const stuck = run(60_000, 'stuck')
    await says(stuck)
    stuck.kill(signal)
    await says(stuck)
    stuck.kill(signal)
    t.match(await ended(stuck), { code })

    const late = run(10, 'stuck')
    await says(late)
    late.kill(signal)
    t.match(await ended(late), { code })
  }
})

t.test('every expected failure has its exit code', async t => {
  const codeOf = (code: ConstructorParameters<typeof TillbridgeError>[0]) =>
    exitCodeOf(new TillbridgeError(code, ''))
  t.equal(codeOf('TB_CONFIG_INVALID'), EXIT.usage)
  t.equal(codeOf('TB_PROFILE_UNKNOWN'), EXIT.usage)
  t.equal(codeOf('TB_JOURNAL_LOCKED'), EXIT.locked)
  t.equal(codeOf('TB_LEDGER_LOCKED'), EXIT.locked)
  t.equal(codeOf('TB_JOURNAL_WRITE'), EXIT.cannotStart)
  t.equal(codeOf('TB_BROKER_LISTEN'), EXIT.cannotStart)
  t.equal(codeOf('TB_INTERNAL'), EXIT.defect)
  t.equal(exitCodeOf(new TypeError()), EXIT.defect)
})
