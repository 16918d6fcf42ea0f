import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'

/** What a version does in the place of Node; `$RELEASE_VERDICT_FILE` is where it says what it is. */
const FIT = (version: string) => `echo "fit ${version} 60" >"$RELEASE_VERDICT_FILE"`
const UNFIT = (version: string) =>
  `echo "unfit ${version} no sale" >"$RELEASE_VERDICT_FILE"; exit 4`
const ENDS = (version: string) => `echo "ended ${version}" >"$RELEASE_VERDICT_FILE"`
const CRASHES = 'kill -SEGV $$'
const HANGS = 'exec sleep 60'

/** The launcher in a folder of its own, as the package has it. */
function installation(t: Test) {
  const home = t.testdir({ state: {} })
  const state = join(home, 'state')
  copyFileSync('deploy/debian/launch', join(home, 'launch'))
  const at = (...names: string[]): string => join(home, ...names)
  const launch = (...args: string[]) => {
    const env = { ...process.env, STATE_DIRECTORY: state }
    const ended = spawnSync('setsid', ['sh', at('launch'), ...args], { encoding: 'utf8', env })
    // systemd takes what a service leaves behind, too.
    spawnSync('kill', ['-KILL', '--', `-${ended.pid}`])
    return ended
  }
  return {
    at,
    current: () => readlinkSync(at('current')),
    releases: () => readdirSync(at('releases')).sort(),
    isOnTrial: () => existsSync(at('trial')),
    /** As dpkg does: files are replaced, not written over. */
    install: (version: string, does: string) => {
      rmSync(at('package'), { recursive: true, force: true })
      mkdirSync(at('package', 'bin'), { recursive: true })
      const tells = `echo ${version} "$RELEASE_ON_TRIAL" "$RELEASE_WENT_BACK"`
      const program = `#!/bin/sh\n${tells}\n${does}\n`
      writeFileSync(at('package', 'bin', 'node'), program, { mode: 0o755 })
      const { status, stderr } = launch('adopt', version)
      if (status !== 0) throw new Error(stderr)
    },
    /** One start by the service manager, to its end: what the version said. */
    start: () => {
      const chosen = launch('choose')
      if (chosen.status !== 0) throw new Error(chosen.stderr)
      const { stdout, signal } = launch('run', '--config', 'shop.yaml')
      return { said: stdout.trim(), signal }
    },
  }
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
  const { install, start, at } = installation(t)
  install('1.0', FIT('1.0'))
  start()
  install('2.0', HANGS)
  t.equal(readFileSync(at('trial', 'seconds'), 'utf8'), '60\n', 'as the version before said')
  // Two minutes are added to it.
  writeFileSync(at('trial', 'seconds'), '-119\n')
  t.match(start(), { signal: 'SIGKILL' })
  t.match(start(), { said: /^1.0 {2}2.0 went back to 1.0: .*no verdict in 1 s/ })
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
  t.strictSame(releases(), ['1.0', '3.0'])
  start()
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
  t.equal(current(), 'releases/1.0')
  t.strictSame(releases(), ['1.0'])
  t.match(start(), { said: '1.0' })
})

t.test('a power cut between any two steps of going back changes nothing', async t => {
  const { install, start, current, at } = installation(t)
  install('1.0', FIT('1.0'))
  start()
  install('2.0', UNFIT('2.0'))
  start()
  // The link points back, and the trial stands still.
  rmSync(at('current'))
  writeFileSync(at('went-back'), '2.0 went back to 1.0: it did not sell\n')
  spawnSync('ln', ['-s', 'releases/1.0', at('current')])
  t.match(start(), { said: /^1.0 yes 2.0 went back/ })
  t.match(start(), { said: /^1.0 {2}2.0 went back/ })
  t.equal(current(), 'releases/1.0')
})
