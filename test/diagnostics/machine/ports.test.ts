import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, closeSync, openSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { checkPorts } from '../../../gateway/diagnostics/machine/ports.js'
import { checkStableNames } from '../../../gateway/diagnostics/machine/stable-names.js'
import { machineOf, shopOf, terminalOn } from '../../support/machine.js'

t.test('a port that is free, held, or missing', async t => {
  const folder = realpathSync(t.testdir({ file: '' }))
  // A device that everybody may open, and nobody has open.
  const path = '/dev/full'
  const machine = machineOf({ config: shopOf(terminalOn(path)) })
  t.match(await checkPorts(machine), [{ name: 'port of r1', state: 'ok' }])

  const fd = openSync(path, 'r+')
  const held = await checkPorts(machine)
  closeSync(fd)
  const holder = new RegExp(`held by process ${process.pid} \\(\\w+`)
  t.match(held, [{ state: 'warn', found: holder, doThis: /stop process/ }])

  for (const path of [join(folder, 'file'), folder])
    t.match(await checkPorts(machineOf({ config: shopOf(terminalOn(path)) })), [
      { state: 'fail', found: `${path} is no serial port`, doThis: /by-id/ },
    ])

  const gone = machineOf({ config: shopOf(terminalOn('/dev/ttyNONE9')) })
  t.match(await checkPorts(gone), [
    { state: 'fail', found: '/dev/ttyNONE9 does not exist', doThis: /by-id/ },
  ])
})

const skip = process.getuid?.() === 0 ? false : 'only root may give files away'

t.test('a port that may not be opened: its group, or a rule', { skip }, async t => {
  const folder = realpathSync(
    t.testdir({
      dev: { ttyUSB0: '', ttyS0: '' },
      etc: { group: 'root:x:0:\nlines:x:77:\n' },
      proc: {},
    }),
  )
  chmodSync(folder, 0o755)
  chownSync(join(folder, 'dev/ttyUSB0'), 0, 77)
  chmodSync(join(folder, 'dev/ttyUSB0'), 0o660)
  chmodSync(join(folder, 'dev/ttyS0'), 0o600)
  // access() asks for the real user, whom only a process of its own can change.
  const script = `
    import { checkPorts } from ${JSON.stringify(new URL('../../../gateway/diagnostics/machine/ports.js', import.meta.url))}
    import { machineOf, shopOf, terminalOn } from ${JSON.stringify(new URL('../../support/machine.js', import.meta.url))}
    const root = ${JSON.stringify(folder)}
    const found = []
    const machines = ['/dev/ttyUSB0', '/dev/ttyS0'].map(path => machineOf({ root, config: shopOf(terminalOn(path)) }))
    process.setgid(65534); process.setgroups([]); process.setuid(65534)
    for (const machine of machines) found.push(...await checkPorts(machine))
    console.log(JSON.stringify(found))`
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script])
  t.match(JSON.parse(out.toString()), [
    { state: 'fail', found: /belongs to group lines;/, doThis: /usermod -aG lines/ },
    { state: 'fail', found: /belongs to group root;/, doThis: /KERNEL=="ttyS0", GROUP="dialout"/ },
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
