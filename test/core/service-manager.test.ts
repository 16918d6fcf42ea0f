import t from 'tap'
import { openServiceManager } from '../../gateway/core/service-manager.js'
import { notifySocket } from '../support/notify-socket.js'
import { until } from '../support/until.js'

t.test('a service manager hears each state', async t => {
  const { path, heard } = await notifySocket(t)
  const manager = openServiceManager({ env: { NOTIFY_SOCKET: path }, pid: 1 })
  t.equal(manager?.watchdogMs, undefined)
  manager?.tell('READY=1')
  await until('heard', () => heard() === 'READY=1')
  manager?.tell('WATCHDOG=1')
  manager?.tell('STOPPING=1')
  await until('heard', () => heard() === 'READY=1WATCHDOG=1STOPPING=1')
})

t.test('an abstract socket, as in a container', async t => {
  const { path, heard } = await notifySocket(t, `@tillbridge-test-${process.pid}`)
  const manager = openServiceManager({ env: { NOTIFY_SOCKET: path }, pid: 1 })
  await until('heard', () => {
    manager?.tell('READY=1')
    return heard().startsWith('READY=1')
  })
})

t.test('nobody there: said to nobody, and no failure', async t => {
  openServiceManager({ env: { NOTIFY_SOCKET: '/run/none' }, pid: 1 })?.tell('READY=1')
  for (const env of [{}, { NOTIFY_SOCKET: '' }, { NOTIFY_SOCKET: 'vsock:2:1' }])
    t.equal(openServiceManager({ env, pid: 1 }), undefined)
  const NOTIFY_SOCKET = `/${'a'.repeat(107)}`
  t.throws(() => openServiceManager({ env: { NOTIFY_SOCKET }, pid: 1 }), /at most 107/)
})

t.test('the time of its watchdog, where this process is meant', async t => {
  const watchdogMs = (env: Record<string, string>): number | undefined =>
    openServiceManager({ env: { NOTIFY_SOCKET: '/run/none', ...env }, pid: 7 })?.watchdogMs
  t.equal(watchdogMs({ WATCHDOG_USEC: '60000000' }), 60_000)
  t.equal(watchdogMs({ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '7' }), 60_000)
  t.equal(watchdogMs({ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '8' }), undefined)
  t.equal(watchdogMs({ WATCHDOG_USEC: 'soon' }), undefined)
})
