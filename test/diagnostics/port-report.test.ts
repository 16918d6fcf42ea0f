import { closeSync, openSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import { deviceOf } from '../../gateway/diagnostics/machine/locks.js'
import { measureReach } from '../../gateway/diagnostics/machine/reach.js'
import { checkWear } from '../../gateway/diagnostics/machine/wear.js'
import { reportPorts } from '../../gateway/diagnostics/port-report.js'
import { openPseudoTerminal } from '../../gateway/simulator/pseudo-terminal.js'
import { shopOf } from '../support/machine.js'
import { freePort, startMosquitto } from '../support/mosquitto.js'

const SERIAL_CORE = `serinfo:1.0 driver revision:
0: uart:16550A port:000003F8 irq:26 tx:218 rx:9000 fe:12 brk:1 oe:3 RTS|CTS|DTR|DSR|CD
10: uart:unknown port:00000000 irq:0
`

t.test('ports with driver, socket and users; one that is configured and gone', async t => {
  const usb = { idVendor: '0403', idProduct: '6001', bcdDevice: '0600', product: 'FT232R USB UART' }
  const device = 'devices/usb1/1-1/1-1.4'
  const root = t.testdir({
    proc: { tty: { driver: { serial: SERIAL_CORE } } },
    dev: { ttyUSB0: '', ttyS0: '' },
    sys: {
      devices: {
        usb1: {
          '1-1': {
            '1-1.4': {
              ...usb,
              '1-1.4:1.0': {
                bInterfaceNumber: '00',
                ttyUSB0: {
                  driver: t.fixture('symlink', '../../../../../../bus/ftdi_sio'),
                },
              },
            },
          },
        },
        uart: {
          driver: t.fixture('symlink', '../../bus/of_serial'),
          ctrl: {
            driver: t.fixture('symlink', '../../../bus/ctrl'),
            port: { driver: t.fixture('symlink', '../../../../bus/port') },
          },
        },
      },
      bus: { ftdi_sio: {}, of_serial: {}, ctrl: {}, port: {} },
      class: {
        tty: {
          ttyUSB0: { device: t.fixture('symlink', `../../../${device}/1-1.4:1.0/ttyUSB0`) },
          ttyS0: { device: t.fixture('symlink', '../../../devices/uart/ctrl/port'), type: '4\n' },
        },
      },
    },
  })
  const terminal = (id: string, serial: string) =>
    `{ id: ${id}, profile: a/b, firmware: '1', line: { serial: { ${serial} } } }`
  const config = shopOf(
    `terminals: [ ${terminal('till-7', 'path: /dev/ttyUSB0, rs485: {}')}, ` +
      `${terminal('till-8', 'path: /dev/ttyUSB1')}, ${terminal('till-9', 'path: usb:0403:6001')} ]`,
  )
  t.match(await reportPorts(config, root), [
    {
      path: join(root, 'dev/ttyS0'),
      isThere: true,
      driver: 'of_serial',
      uart: {
        sentBytes: 218,
        heardBytes: 9000,
        framingErrors: 12,
        parityErrors: 0,
        overruns: 3,
        breaks: 1,
      },
      usedBy: [],
      holders: [],
    },
    {
      path: join(root, 'dev/ttyUSB0'),
      isThere: true,
      driver: 'ftdi_sio',
      usbPlace: '1-1.4:1.0',
      product: 'FT232R USB UART',
      usb: { vendorId: '0403', productId: '6001' },
      usedBy: ['till-7', 'till-9'],
      rs485: 'kernel',
    },
    { path: join(root, 'dev/ttyUSB1'), isThere: false, usedBy: ['till-8'] },
  ])
})

t.test('who has a port open is named', async t => {
  const line = openPseudoTerminal()
  t.teardown(() => line.close())
  const config = shopOf(
    `terminals: [ { id: r1, profile: a/b, firmware: '1', line: { serial: { path: ${line.device} } } } ]`,
  )
  const held = openSync(line.device, 'r+')
  const [port] = (await reportPorts(config)).filter(({ path }) => path === line.device)
  closeSync(held)
  t.match(port, { isThere: true, usedBy: ['r1'], holders: [{ pid: process.pid, name: 'node' }] })
})

t.test('who locked a port is named also where its files may not be seen', async t => {
  const root = t.testdir({ dev: { ttyS9: '' }, proc: { 4711: { comm: 'minicom\n' } } })
  const { dev, ino } = statSync(join(root, 'dev/ttyS9'))
  const line = `1: FLOCK  ADVISORY  WRITE 4711 ${deviceOf(dev)}:${ino} 0 EOF\n`
  writeFileSync(join(root, 'proc/locks'), line)
  const config = shopOf(
    "terminals: [ { id: r1, profile: a/b, firmware: '1', line: { serial: { path: /dev/ttyS9 } } } ]",
  )
  t.match(await reportPorts(config, root), [{ holders: [{ pid: 4711, name: 'minicom' }] }])
})

t.test('a card tells its age, or not', async t => {
  const stat = '1 2 3 4 5 6 4194304 8 9 10 11\n'
  const card = (own: object) => ({ device: { name: 'SD32G', date: '03/2024', ...own }, stat })
  const root = t.testdir({
    sys: {
      block: {
        mmcblk0: card({}),
        mmcblk0boot0: {},
        mmcblk1: card({ life_time: '0x03 0x02\n', pre_eol_info: '0x01\n' }),
        mmcblk2: card({ life_time: '0x01 0x0b\n', pre_eol_info: '0x01\n' }),
        sda: {},
      },
    },
  })
  t.match(await checkWear({ root }), [
    { state: 'ok', found: /^mmcblk0 \(SD32G, made 03\/2024\): 2\.0 GiB .*not tell its age$/ },
    { state: 'ok', found: /mmcblk1 .* 30 % of its life used at most$/ },
    { state: 'warn', found: /mmcblk2 .* beyond its life$/ },
  ])
  t.same(await checkWear({ root: t.testdir({}) }), [])
})

t.test('how far it is to HQ, and whether connections are lost', async t => {
  const hq = await startMosquitto()
  const { signal } = new AbortController()
  const ask = (port: number) =>
    measureReach({ host: '127.0.0.1', port, tries: 3, clock: systemClock, signal })
  const near = await ask(hq.port)
  t.match(near, { tries: 3, failed: 0 })
  t.ok((near.leastMs ?? -1) <= (near.meanMs ?? -1) && (near.meanMs ?? -1) <= (near.mostMs ?? -1))
  await hq.stop()
  t.same(await ask(await freePort()), { tries: 3, failed: 3 })
})
