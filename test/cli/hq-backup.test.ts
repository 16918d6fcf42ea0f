import t, { type Test } from 'tap'
import { freePort } from '../support/mosquitto.js'
import { type Ended, ended, MAIN, startProgram } from '../support/program.js'
import { freshDirectory } from '../support/shop.js'
import { until } from '../support/until.js'

function hq(t: Test, ...args: readonly string[]): Promise<Ended> {
  return ended(startProgram(t, [process.execPath, MAIN, 'hq', ...args]))
}

t.test('backups of an HQ that runs, and of one that is stopped', async t => {
  const data = freshDirectory(t)
  const listen = `127.0.0.1:${await freePort()}`
  const args = [process.execPath, MAIN, 'hq', '--data', data, '--listen', listen]
  const running = startProgram(t, [...args, '--log-level', 'info'])
  let log = ''
  running.stderr.on('data', chunk => {
    log += chunk
  })
  running.stdout.on('data', chunk => {
    log += chunk
  })
  const gone = new Promise<void>(resolve => running.once('close', () => resolve()))
  await until('it runs', () => /leads the fan-out/.test(log))
  t.match(await hq(t, 'backup', 'begin', '--data', data), { code: 0, stdout: '1\n' })
  t.match(await hq(t, 'backup', 'list', '--data', data), { stdout: /^1 {2}begun .*not done\n$/ })
  t.match(await hq(t, 'backup', 'done', '7', '--data', data), {
    code: 2,
    stderr: /no backup 7 was begun/,
  })
  t.match(await hq(t, 'status', '--data', data), { code: 0, stdout: /"role": "leader"/ })
  running.kill('SIGTERM')
  await gone

  t.match(await hq(t, 'backup', 'done', '1', '--keep', '2', '--data', data), {
    code: 0,
    stdout: /^1 .*stores may trim what it contains\n$/,
  })
  t.match(await hq(t, 'status', '--data', data), { code: 0, stdout: /"done": "20/ })
})
