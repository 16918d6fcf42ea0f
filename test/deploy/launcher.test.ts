import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { inOwnMounts, SmallDisk } from '../support/small-disk.js'

inOwnMounts()
t.setTimeout(300_000)

/** What a version does in the place of Node; `$RELEASE_VERDICT_FILE` is where it says what it is. */
const FIT = (version: string) => `echo "fit ${version}" >"$RELEASE_VERDICT_FILE"`
const UNFIT = (version: string) =>
  `echo "unfit ${version} no sale" >"$RELEASE_VERDICT_FILE"; exit 4`
const ENDS = (version: string) => `echo "ended ${version}" >"$RELEASE_VERDICT_FILE"`
const CRASHES = 'kill -SEGV $$'
/** Its test, that should be over at once, never is. */
const HANGS = (version: string) =>
  `echo "began ${version} 0" >"$RELEASE_VERDICT_FILE"; exec sleep 60`
/** HQ has to approve first. */
const WAITS = (version: string) =>
  `echo "waits ${version}" >"$RELEASE_VERDICT_FILE"; sleep 6; ${FIT(version)}`

/** The launcher in a folder of its own, as the package has it. */
function installation(t: Test, home = t.testdir({ state: {} })) {
  const state = join(home, 'state')
  copyFileSync('deploy/debian/launch', join(home, 'launch'))
  const at = (...names: string[]): string => join(home, ...names)
  const launch = (args: readonly string[], env: Record<string, string> = {}) => {
    const ended = spawnSync('setsid', ['sh', at('launch'), ...args], {
      encoding: 'utf8',
      env: { ...process.env, STATE_DIRECTORY: state, ...env },
    })
    // systemd takes what a service leaves behind, too.
    spawnSync('kill', ['-KILL', '--', `-${ended.pid}`])
    return ended
  }
  /** As dpkg does: files are replaced, not written over. */
  const unpack = (version: string, does: string): void => {
    rmSync(at('package'), { recursive: true, force: true })
    mkdirSync(at('package', 'bin'), { recursive: true })
    const tells = `echo ${version} "$RELEASE_ON_TRIAL" "$RELEASE_WENT_BACK"`
    const program = `#!/bin/sh\n${tells}\n${does}\n`
    writeFileSync(at('package', 'bin', 'node'), program, { mode: 0o755 })
  }
  return {
    at,
    launch,
    unpack,
    current: () => readlinkSync(at('current')),
    releases: () => readdirSync(at('releases')).sort(),
    isOnTrial: () => existsSync(at('trial')),
    install: (version: string, does: string) => {
      unpack(version, does)
      const { status, stderr } = launch(['adopt', version])
      if (status !== 0) throw new Error(stderr)
    },
    /** One start by the service manager, to its end: what the version said. */
    start: () => {
      const chosen = launch(['choose'])
      if (chosen.status !== 0) throw new Error(chosen.stderr)
      const { stdout, signal } = launch(['run', '--config', 'shop.yaml'])
      return { said: stdout.trim(), signal, stderr: chosen.stderr }
    },
  }
}

function shorten(file: string, from: string, to: string): void {
  const text = readFileSync(file, 'utf8')
  if (!text.includes(from)) throw new Error(`${file} has no longer: ${from}`)
  writeFileSync(file, text.replace(from, to))
}

function temporary(t: Test, name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `tillbridge-${name}-`))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}

/** What the launcher does one after the other, but for what the shell itself does. */
const STEPS = ['cp', 'ln', 'mkdir', 'mv', 'rm', 'sync'] as const

/** These programs, of which the n-th call is the power's end: it is not carried out. */
function powerEndingAt(t: Test, step: number): Record<string, string> {
  const bin = temporary(t, 'power')
  const count = join(bin, 'count')
  writeFileSync(count, '0')
  for (const name of STEPS) {
    const real = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim()
    const lines = [
      '#!/bin/sh',
      `read -r done <${count} || true`,
      `if [ "$done" -ge ${step} ]; then kill -KILL $PPID; exit 1; fi`,
      `echo $((done + 1)) >${count}`,
      `exec ${real} "$@"`,
    ]
    writeFileSync(join(bin, name), `${lines.join('\n')}\n`, { mode: 0o755 })
  }
  const { PATH = '' } = process.env
  return { PATH: `${bin}:${PATH}` }
}

t.test('the first version is on no trial: there is nothing to go back to', async t => {
  const { install, start, isOnTrial, current } = installation(t)
  install('1.0', CRASHES)
  t.notOk(isOnTrial())
  for (let n = 0; n < 5; n += 1) t.match(start(), { said: '1.0', signal: 'SIGSEGV' })
  t.equal(current(), 'releases/1.0')
})

t.test('one that crashes goes back after three starts, and the one before hears why', async t => {
  const { install, start, current, isOnTrial, releases } = installation(t)
  install('1.0', FIT('1.0'))
  start()
  install('2.0', CRASHES)
  t.ok(isOnTrial())
  t.strictSame(releases(), ['1.0', '2.0'], 'the one before is kept')
  for (let n = 0; n < 3; n += 1) t.match(start(), { said: '2.0 yes', signal: 'SIGSEGV' })
  const back = '2.0 went back to 1.0: it did not prove itself in 3 starts'
  t.match(start(), { said: `1.0  ${back}` })
  t.equal(current(), 'releases/1.0')
  t.notOk(isOnTrial())
  t.match(start(), { said: `1.0  ${back}` }, 'and it goes on saying so')
  install('2.0', FIT('2.0'))
  t.match(start(), { said: '2.0 yes' }, 'installed anew it is tried anew')
})

t.test('one that says that it is unfit goes back at once', async t => {
  const { install, start, current } = installation(t)
  install('1.0', FIT('1.0'))
  start()
  install('2.0', UNFIT('2.0'))
  start()
  t.match(start(), { said: '1.0  2.0 went back to 1.0: it did not sell (no sale)' })
  t.equal(current(), 'releases/1.0')
})

t.test('one that hangs is killed when its time is over, and goes back', async t => {
  const { install, start } = installation(t)
  install('1.0', FIT('1.0'))
  start()
  install('2.0', HANGS('2.0'))
  t.match(start(), { signal: 'SIGKILL' })
  t.match(start(), { said: /^1.0 {2}2.0 went back to 1.0: .*no verdict in 0 s/ })
})

t.test('one that hangs is killed also where that cannot be written down', async t => {
  const disk = new SmallDisk(t, { mib: 16 })
  const { directory } = disk
  mkdirSync(join(directory, 'state'))
  const { install, start } = installation(t, directory)
  install('1.0', FIT('1.0'))
  start()
  const covers = `mount --bind ${directory} ${directory}; mount -o remount,bind,ro ${directory}`
  install('2.0', `echo "began 2.0 0" >"$RELEASE_VERDICT_FILE"; ${covers}; exec sleep 60`)
  t.match(start(), { signal: 'SIGKILL' })
  spawnSync('umount', [directory])
})

t.test('one that never comes to its test is killed, too', async t => {
  const { install, start, at } = installation(t)
  shorten(at('launch'), 'BEGIN=900', 'BEGIN=1')
  install('1.0', FIT('1.0'))
  start()
  install('2.0', 'exec sleep 60')
  t.match(start(), { signal: 'SIGKILL' })
  t.match(start(), { said: /^1.0 {2}2.0 went back to 1.0: .*no verdict in 5 s/ })
})

t.test('what a start began that power ended does not count against the next', async t => {
  const { install, start, current, at } = installation(t)
  install('1.0', FIT('1.0'))
  start()
  install('2.0', `sleep 6; ${FIT('2.0')}`)
  writeFileSync(at('state', 'release-verdict'), 'began 2.0 0\n')
  t.match(start(), { said: '2.0 yes', signal: null })
  t.equal(current(), 'releases/2.0')
})

t.test('HQ may take its time to approve it', async t => {
  const { install, start, launch, isOnTrial, current, at } = installation(t)
  install('1.0', FIT('1.0'))
  start()
  shorten(at('launch'), 'BEGIN=900', 'BEGIN=1')
  install('2.0', WAITS('2.0'))
  t.match(start(), { signal: null })
  launch(['choose'])
  t.notOk(isOnTrial())
  t.equal(current(), 'releases/2.0')
})

t.test('one that proved itself is no longer on trial, whatever comes later', async t => {
  const { install, start, isOnTrial, current } = installation(t)
  install('1.0', FIT('1.0'))
  start()
  install('2.0', `${FIT('2.0')}; ${CRASHES}`)
  for (let n = 0; n < 6; n += 1) t.match(start(), { signal: 'SIGSEGV' })
  t.notOk(isOnTrial())
  t.equal(current(), 'releases/2.0')
})

t.test('a start that was ended in order is not held against it', async t => {
  const { install, start, isOnTrial, current } = installation(t)
  install('1.0', FIT('1.0'))
  start()
  install('2.0', ENDS('2.0'))
  for (let n = 0; n < 6; n += 1) t.match(start(), { said: '2.0 yes' })
  t.ok(isOnTrial(), 'nor is it a proof')
  t.equal(current(), 'releases/2.0')
})

t.test('what never proved itself is nothing to go back to', async t => {
  const { install, start, current, releases } = installation(t)
  install('1.0', FIT('1.0'))
  start()
  install('2.0', CRASHES)
  start()
  install('3.0', UNFIT('3.0'))
  t.strictSame(releases(), ['1.0', '2.0', '3.0'], 'one may run from there still')
  start()
  t.strictSame(releases(), ['1.0', '3.0'])
  start()
  t.equal(current(), 'releases/1.0')
})

t.test('what proved itself is, also where it was not started since', async t => {
  const { install, start, current } = installation(t)
  install('1.0', FIT('1.0'))
  start()
  install('2.0', FIT('2.0'))
  start()
  install('3.0', UNFIT('3.0'))
  start()
  start()
  t.equal(current(), 'releases/2.0')
})

t.test('the version before, installed by hand, ends the trial', async t => {
  const { install, start, current, isOnTrial, releases } = installation(t)
  install('1.0', FIT('1.0'))
  start()
  install('2.0', CRASHES)
  start()
  install('1.0', FIT('1.0'))
  t.notOk(isOnTrial())
  t.equal(current(), 'releases/1.0@again')
  t.match(start(), { said: '1.0' })
  t.strictSame(releases(), ['1.0@again'])
})

t.test('a version that is installed over itself stands beside itself', async t => {
  const { install, start, current, isOnTrial } = installation(t)
  install('1.0', FIT('1.0'))
  start()
  install('1.0', `echo anew; ${FIT('1.0')}`)
  t.equal(current(), 'releases/1.0@again')
  t.match(start(), { said: '1.0  \nanew' })
  install('1.0', FIT('1.0'))
  t.equal(current(), 'releases/1.0')
  t.notOk(isOnTrial())
  install('1.0', FIT('1.0'))
  start()
  install('2.0', UNFIT('2.0'))
  start()
  t.match(start(), { said: '1.0  2.0 went back to 1.0: it did not sell (no sale)' })
})

/** Each leaves a shop in which a version on trial is about to be followed, or to go back. */
const CUT: Record<string, (shop: ReturnType<typeof installation>) => readonly string[]> = {
  'an update': ({ unpack }) => {
    unpack('3.0', FIT('3.0'))
    return ['adopt', '3.0']
  },
  'an update back by hand': ({ unpack }) => {
    unpack('1.0', FIT('1.0'))
    return ['adopt', '1.0']
  },
  'an installation over itself': ({ unpack }) => {
    unpack('2.0', FIT('2.0'))
    return ['adopt', '2.0']
  },
  'going back': ({ at }) => {
    writeFileSync(at('state', 'release-verdict'), 'unfit 2.0 no sale\n')
    return ['choose']
  },
  'a start of a trial': () => ['choose'],
}

for (const [what, prepare] of Object.entries(CUT))
  t.test(`${what}, with the power gone after each of its steps: some version starts`, async t => {
    const ready = installation(t)
    ready.install('1.0', FIT('1.0'))
    ready.start()
    ready.install('2.0', CRASHES)
    ready.start()
    const order = prepare(ready)
    let step = 0
    for (let isWhole = false; !isWhole; step += 1) {
      const home = temporary(t, 'shop')
      spawnSync('cp', ['-a', `${ready.at()}/.`, home])
      const { launch, start, current } = installation(t, home)
      isWhole = launch(order, powerEndingAt(t, step)).status === 0
      if (!/^[123]\.0/.test(start().said)) t.fail(`after step ${step}: nothing started`)
      const [does, version = ''] = order
      if (does !== 'adopt') continue
      t.equal(launch(order).status, 0, `after step ${step} dpkg configures it all the same`)
      t.ok(current().startsWith(`releases/${version}`))
    }
    t.ok(step > 2, `${step} steps`)
  })

t.test('a trial that a power cut left empty is none', async t => {
  for (const text of ['', '1.0', '1.0 x', '7.0 1', ' 1\n']) {
    const { install, start, at, isOnTrial } = installation(t)
    install('1.0', FIT('1.0'))
    start()
    install('2.0', FIT('2.0'))
    writeFileSync(at('trial'), text)
    t.match(start(), { said: '2.0' }, JSON.stringify(text))
    t.notOk(isOnTrial())
  }
})

t.test('a link that leads nowhere starts what is whole', async t => {
  const { install, start, at, current } = installation(t)
  install('1.0', FIT('1.0'))
  start()
  install('2.0', FIT('2.0'))
  rmSync(at('releases', '2.0', 'bin', 'node'))
  t.match(start(), { said: '1.0', stderr: /current leads nowhere: 1\.0 instead/ })
  t.equal(current(), 'releases/1.0')
  rmSync(at('current'))
  t.match(start(), { said: '1.0' })
})

t.test('on a full disk a version starts, and a bad one goes back', async t => {
  const disk = new SmallDisk(t, { mib: 16 })
  mkdirSync(join(disk.directory, 'state'))
  const { install, start, current } = installation(t, disk.directory)
  install('1.0', FIT('1.0'))
  start()
  install('2.0', UNFIT('2.0'))
  start()
  disk.fill({ leaving: 0 })
  t.match(start(), { said: /^1\.0/ })
  t.equal(current(), 'releases/1.0')
  t.match(start(), { said: /^1\.0/ })
})
