import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import { type ProcessState, SupervisedProcess } from '../../gateway/simulator/supervised-process.js'
import { until } from '../support/until.js'

/** A process, the states it went through, and a wait for the next of a kind. */
function supervise(t: Test, script: string) {
  const states: ProcessState[] = []
  const waiting = new Set<() => void>()
  const logPath = join(t.testdir(), 'log', 'child.log')
  const child = new SupervisedProcess({
    args: ['--input-type=module', '-e', script],
    env: process.env,
    logPath,
    clock: systemClock,
    onChange: state => {
      states.push(state)
      for (const look of [...waiting]) look()
    },
  })
  t.teardown(() => child.stop(1_000))
  const reached = (isIt: (state: ProcessState) => boolean): Promise<void> =>
    new Promise(resolve => {
      const look = (): void => {
        if (!states.some(isIt)) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      look()
    })
  return { child, states, reached, logPath }
}

const STAYS = `setInterval(() => {}, 1000)`

t.test('what is killed comes back under another pid', async t => {
  const { child, states, reached } = supervise(t, STAYS)
  child.start()
  const first = child.state.type === 'running' ? child.state.pid : 0
  t.ok(child.kill('SIGKILL'))
  await reached(state => state.type === 'running' && state.pid !== first)
  t.same(
    states.map(state => state.type),
    ['running', 'restarting', 'running'],
  )
  t.equal(child.deaths, 1)
})

t.test('what gives up while coming up stays down, and says why in its log', async t => {
  const { child, reached, logPath } = supervise(t, `console.error('no room'); process.exit(3)`)
  child.start()
  await reached(state => state.type === 'failed')
  t.match(child.state, { type: 'failed', reason: 'exit code 3' })
  t.equal(readFileSync(logPath, 'utf8'), 'no room\n')
})

t.test('what is stopped ends, obedient or not, and stays so', async t => {
  const obedient = supervise(t, STAYS)
  obedient.child.start()
  await obedient.child.stop(10_000)
  t.same(obedient.child.state, { type: 'stopped' })
  const deaf = supervise(t, `process.on('SIGTERM', () => {}); console.log('deaf'); ${STAYS}`)
  deaf.child.start()
  await until('it is deaf', () => readFileSync(deaf.logPath, 'utf8') === 'deaf\n')
  await deaf.child.stop(50)
  t.same(deaf.child.state, { type: 'stopped' })
  t.equal(deaf.child.deaths, 0)
  t.notOk(deaf.child.kill('SIGKILL'))
})

t.test('whoever started it is killed: it ends, too', async t => {
  const pidFile = join(t.testdir(), 'pid')
  const parent = supervise(
    t,
    `
    import { systemClock } from '${built('core/clock.js')}'
    import { SupervisedProcess } from '${built('simulator/supervised-process.js')}'
    const script = "require('fs').writeFileSync('${pidFile}', String(process.pid)); ${STAYS}"
    new SupervisedProcess({ args: ['-e', script], env: process.env, logPath: '${pidFile}.log', clock: systemClock }).start()
    ${STAYS}`,
  )
  parent.child.start()
  await until(
    'its child is there',
    () => existsSync(pidFile) && readFileSync(pidFile, 'utf8') !== '',
  )
  const pid = Number(readFileSync(pidFile, 'utf8'))
  t.ok(isAlive(pid))
  parent.child.kill('SIGKILL')
  await until('its child is gone', () => !isAlive(pid))
})

function built(name: string): string {
  return resolve('build/gateway', name)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
