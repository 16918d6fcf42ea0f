import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { UpdateLock } from '../../gateway/core/update-lock.js'
import { ended, startProgram } from '../support/program.js'

const uid = process.getuid?.() ?? 0
const supervisor = (path: string) =>
  spawnSync('sh', ['-c', `set -C; : > '${path}'`], { stdio: 'ignore' }).status === 0
const host = (path: string) => spawnSync('flock', ['-xn', path, 'true']).status === 0

t.test('while it is held neither the supervisor nor the host goes on', async t => {
  const path = join(t.testdir({}), 'updates.lock')
  const lock = new UpdateLock({ path, uid })
  t.equal(lock.take(), 'held')
  t.equal(lock.take(), 'held', 'twice is once')
  t.notOk(supervisor(path), 'the file cannot be made')
  t.notOk(host(path), 'nor locked')
  lock.release()
  lock.release()
  t.notOk(existsSync(path))
  t.ok(supervisor(path))
})

t.test('that of a process of ours that was killed is adopted', async t => {
  const path = join(t.testdir({}), 'updates.lock')
  const script = `const { UpdateLock } = await import('./build/gateway/core/update-lock.js')
    console.log(new UpdateLock({ path: ${JSON.stringify(path)}, uid: ${uid} }).take())
    setInterval(() => {}, 1000)`
  const child = startProgram(t, [process.execPath, '--input-type=module', '-e', script])
  const end = ended(child)
  await once(child.stdout, 'data')
  t.notOk(host(path), 'it is held')
  child.kill('SIGKILL')
  t.match(await end, { code: null, stdout: 'held\n' })
  t.notOk(supervisor(path), 'it still keeps the supervisor away')
  const lock = new UpdateLock({ path, uid })
  t.equal(lock.take(), 'held')
  t.notOk(host(path))
  lock.release()
  t.ok(supervisor(path))
})

t.test("the supervisor's own says that we are about to be stopped", async t => {
  const path = join(t.testdir({}), 'updates.lock')
  const lock = new UpdateLock({ path, uid })
  t.notOk(lock.isSupervisors)
  for (const [owner, hold] of [
    [65534, 'closing'],
    [1234, 'elsewhere'],
  ] as const) {
    writeFileSync(path, '')
    chownSync(path, owner, owner)
    t.equal(lock.take(), hold)
    t.equal(lock.isSupervisors, owner === 65534)
    lock.release()
    t.ok(existsSync(path), 'what is not ours stays')
  }
})

t.test('the host holds the one that a killed process of ours left', async t => {
  const path = join(t.testdir({ 'updates.lock': '' }), 'updates.lock')
  const restarting = startProgram(t, [
    'flock',
    '-xnF',
    path,
    'sh',
    '-c',
    'echo held; exec sleep 60',
  ])
  await once(restarting.stdout, 'data')
  const lock = new UpdateLock({ path, uid })
  t.equal(lock.take(), 'closing')
  lock.release()
  t.ok(existsSync(path), 'what is not held stays')
})

t.test('one that cannot be taken is no reason to stop', async t => {
  const folder = t.testdir({ balena: 'a file' })
  const lock = new UpdateLock({ path: join(folder, 'balena/updates.lock'), uid })
  t.equal(lock.take(), 'forbidden')
  lock.release()
})

t.test('a machine that nobody updates so', async t => {
  const folder = t.testdir({})
  const lock = new UpdateLock({ path: join(folder, 'balena/updates.lock'), uid })
  t.equal(lock.take(), 'absent')
  lock.release()
  t.strictSame(readdirSync(folder), [])
  mkdirSync(join(folder, 'balena'))
  t.equal(lock.take(), 'held')
  lock.release()
})
