// usage: npm run test:arm64 (as root, on Debian)
// The production tree of a Pi, run here: Node's arm64 binary and the arm64 binaries of the native
// packages under qemu's emulation of a processor. The kernel is this machine's own, so neither a Pi's
// devices nor its speed are seen; tests that start processes of their own are left out.
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'

const TESTS = [
  'journal/format',
  'journal/group-commit',
  'journal/level-journal',
  'journal/notary',
  'core/service-manager',
  'line/framing/stx-etx',
  'line/transport/serial-port',
  'profile/message-codec',
  'protocol/zvt/ecr-link',
  'terminal/session',
]

const place = resolve('build/arm64')
const system = join(place, 'system')
const qemu = ['qemu-aarch64-static', '-L', system]
const run = (program, args, options = {}) =>
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'], ...options })

if (spawnSync('qemu-aarch64-static', ['--version']).error !== undefined)
  run('apt-get', ['install', '--yes', '--no-install-recommends', 'qemu-user-static'])
run('node', ['scripts/deb.mjs', '--arch', 'arm64'])
const app = resolve('build/deb/arm64/opt/tillbridge/package')

mkdirSync(system, { recursive: true })
run('dpkg', ['--add-architecture', 'arm64'])
run('apt-get', ['update'])
run('apt-get', ['download', 'libc6:arm64', 'libgcc-s1:arm64', 'libstdc++6:arm64'], { cwd: place })
for (const name of readdirSync(place))
  if (name.endsWith('.deb')) run('dpkg', ['--extract', join(place, name), system])

const says = script =>
  execFileSync(qemu[0], [...qemu.slice(1), 'bin/node', '--input-type=module', '-e', script], {
    cwd: app,
    encoding: 'utf8',
  }).trim()
const loaded = says(`
  import { Level } from 'level'
  import { SerialPort } from 'serialport'
  import koffi from 'koffi'
  const level = new Level('/tmp/arm64-' + process.pid)
  await level.put('a', 'level', { sync: true })
  console.log(process.arch, process.version, await level.get('a'), typeof SerialPort, koffi.version)
  await level.close()
`)
console.log(`the production tree: ${loaded}`)

// The tests want tap beside what the shop wants.
const tree = join(place, 'tests')
mkdirSync(tree, { recursive: true })
for (const name of ['package.json', 'package-lock.json']) copyFileSync(name, join(tree, name))
run('npm', ['ci', '--cpu=arm64', '--os=linux', '--ignore-scripts', '--no-audit'], { cwd: tree })
for (const name of ['build/gateway', 'build/test', 'firmware-profiles', 'examples', 'test']) {
  rmSync(join(tree, name), { recursive: true, force: true })
  cpSync(name, join(tree, name), { recursive: true })
}
let failed = 0
for (const name of TESTS) {
  const args = [...qemu.slice(1), join(app, 'bin/node'), `build/test/${name}.test.js`]
  // Under emulation all takes some ten times as long: no bound on a file.
  const env = { ...process.env, TAP_TIMEOUT: '0' }
  const { status, stdout } = spawnSync(qemu[0], args, { cwd: tree, env, encoding: 'utf8' })
  const passed = stdout.match(/^ *ok /gm)?.length ?? 0
  console.log(`${status === 0 ? 'ok    ' : 'not ok'} ${name}: ${passed} passed`)
  if (status !== 0) failed += 1
}
console.log(`${TESTS.length - failed} files passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
