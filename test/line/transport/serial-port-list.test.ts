import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { listSerialPorts } from '../../../gateway/line/transport/serial-port-list.js'

t.test('ports by path, with the names that survive replugging', async t => {
  const root = t.testdir({
    dev: {
      ttyUSB0: '',
      ttyACM0: '',
      ttyS0: '',
      ttyS1: '',
      serial: {
        'by-id': { 'usb-FTDI_FT232R_A50285BI-if00-port0': t.fixture('symlink', '../../ttyUSB0') },
        'by-path': {
          'pci-0000:01:00.0-usb-0:1.1:1.0-port0': t.fixture('symlink', '../../ttyUSB0'),
          'pci-0000:01:00.0-usb-0:1.2:1.0': t.fixture('symlink', '../../ttyACM0'),
          unplugged: t.fixture('symlink', '../../ttyUSB9'),
        },
      },
    },
    sys: {
      class: {
        tty: {
          tty0: {},
          ttyACM0: { device: {} },
          ttyS0: { device: {}, type: '4\n' },
          ttyS1: { device: {}, type: '0\n' },
          ttyUSB0: { device: {} },
        },
      },
    },
  })
  const device = (name: string): string => join(root, 'dev', name)
  t.same(await listSerialPorts(root), [
    {
      path: device('ttyACM0'),
      byPath: device('serial/by-path/pci-0000:01:00.0-usb-0:1.2:1.0'),
    },
    { path: device('ttyS0') },
    {
      path: device('ttyUSB0'),
      byId: device('serial/by-id/usb-FTDI_FT232R_A50285BI-if00-port0'),
      byPath: device('serial/by-path/pci-0000:01:00.0-usb-0:1.1:1.0-port0'),
    },
  ])
})

t.test('a machine without ports has none', async t => {
  t.same(await listSerialPorts(t.testdir({})), [])
})

t.test('no program is needed, udevadm least of all', async t => {
  const module = new URL('../../../gateway/line/transport/serial-port-list.js', import.meta.url)
  const list = 'async m => console.log(JSON.stringify(await m.listSerialPorts()))'
  const script = `import('${module}').then(${list})`
  const listed = execFileSync(process.execPath, ['-e', script], {
    encoding: 'utf8',
    env: { PATH: '/nowhere' },
  })
  t.same(JSON.parse(listed), await listSerialPorts())
})
