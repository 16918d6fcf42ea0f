import { closeSync, openSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { checkPorts } from '../../../gateway/diagnostics/machine/ports.js'
import { checkStableNames } from '../../../gateway/diagnostics/machine/stable-names.js'
import { machineOf, shopOf, terminalOn } from '../../support/machine.js'

t.test('a port that is free, held, or missing', async t => {
  const path = join(realpathSync(t.testdir({ port: '' })), 'port')
  const machine = machineOf({ config: shopOf(terminalOn(path)) })
  t.match(await checkPorts(machine), [{ name: 'port of r1', state: 'ok' }])

  const fd = openSync(path, 'r+')
  const held = await checkPorts(machine)
  closeSync(fd)
  const holder = new RegExp(`held by process ${process.pid} \\(\\w+`)
  t.match(held, [{ state: 'warn', found: holder, doThis: /stop process/ }])

  const gone = machineOf({ config: shopOf(terminalOn('/dev/ttyNONE9')) })
  t.match(await checkPorts(gone), [
    { state: 'fail', found: '/dev/ttyNONE9 does not exist', doThis: /by-id/ },
  ])
})

t.test('without terminals on serial lines there is nothing to check', async t => {
  t.strictSame(await checkPorts(machineOf()), [])
  t.strictSame(await checkPorts(machineOf({ config: undefined })), [])
})

t.test('a port is advised its stable name', async t => {
  const root = realpathSync(
    t.testdir({
      dev: {
        ttyUSB0: '',
        ttyUSB1: '',
        serial: { 'by-id': { 'usb-FTDI-if00': t.fixture('symlink', '../../ttyUSB0') } },
      },
    }),
  )
  const on = (path: string) => machineOf({ root, config: shopOf(terminalOn(path)) })
  t.match(await checkStableNames(on('/dev/ttyUSB0')), [
    { state: 'warn', doThis: /r1: \/dev\/serial\/by-id\/usb-FTDI-if00\.$/ },
  ])
  const stable = [{ state: 'ok', found: '/dev/serial/by-id/usb-FTDI-if00' }]
  t.match(await checkStableNames(on('/dev/serial/by-id/usb-FTDI-if00')), stable)
  t.match(await checkStableNames(on('/dev/ttyUSB1')), stable, 'ttyUSB1 has no other name')
  const bare = machineOf({ root: t.testdir({}) })
  t.match(await checkStableNames(bare), [{ state: 'ok', found: 'no adapter has one here' }])
})
