import { realpathSync } from 'node:fs'
import t, { type Test } from 'tap'
import { systemClock } from '../../../gateway/core/clock.js'
import { TillbridgeError } from '../../../gateway/core/errors.js'
import { checkAdapters } from '../../../gateway/diagnostics/machine/adapters.js'
import { NamedPort } from '../../../gateway/line/transport/named-port.js'
import { NullModem } from '../../../gateway/line/transport/null-modem.js'
import { portsNamed, readPortName } from '../../../gateway/line/transport/port-name.js'
import {
  listSerialPorts,
  type SerialPortInfo,
} from '../../../gateway/line/transport/serial-port-list.js'
import type { Connection, Transport } from '../../../gateway/line/transport/transport.js'
import { machineOf, shopOf, terminalOn } from '../../support/machine.js'

/** An adapter as a folder of /sys has it. */
interface Adapter {
  readonly tty: string
  readonly socket: string
  readonly serial?: string
  readonly interfaces?: string
}

/** A machine with these adapters of one make plugged in, as folders. */
function machineWith(t: Test, adapters: readonly Adapter[]): string {
  const link = (to: string) => t.fixture('symlink', to)
  const each = <Value>(make: (adapter: Adapter) => readonly [string, Value]) =>
    Object.fromEntries(adapters.map(make))
  const root = t.testdir({
    dev: {
      ...each(({ tty }) => [tty, '']),
      serial: {
        'by-path': each(({ tty, socket }) => [
          `platform-usb-0:${socket}:1.0`,
          link(`../../${tty}`),
        ]),
      },
    },
    sys: {
      class: {
        tty: each(({ tty, socket }) => [
          tty,
          { device: link(`../../../devices/${socket}/if/${tty}`) },
        ]),
      },
      devices: each(({ tty, socket, serial, interfaces = '00' }) => [
        socket,
        {
          idVendor: '0403\n',
          idProduct: '6001\n',
          bcdDevice: '0600\n',
          ...(serial === undefined ? {} : { serial: `${serial}\n` }),
          if: { bInterfaceNumber: `${interfaces}\n`, [tty]: {} },
        },
      ]),
    },
  })
  return realpathSync(root)
}

const shown = (ports: readonly SerialPortInfo[], root: string) =>
  ports.map(({ path }) => path.slice(root.length))

t.test('a port is found by what its adapter says of itself, wherever it is plugged in', async t => {
  const find = async (root: string, text: string) => {
    const name = readPortName(text)
    return name === undefined ? [] : shown(portsNamed(name, await listSerialPorts(root)), root)
  }
  const before = machineWith(t, [
    { tty: 'ttyUSB0', socket: '1.1', serial: 'AAA' },
    { tty: 'ttyUSB1', socket: '1.2', serial: 'BBB', interfaces: '01' },
  ])
  t.strictSame(await find(before, 'usb:0403:6001:AAA'), ['/dev/ttyUSB0'])
  t.strictSame(await find(before, 'usb-serial:BBB'), ['/dev/ttyUSB1'])
  t.strictSame(await find(before, 'usb:0403:6001#01'), ['/dev/ttyUSB1'])
  t.strictSame(await find(before, 'usb:0403:6001'), ['/dev/ttyUSB0', '/dev/ttyUSB1'])
  t.strictSame(await find(before, 'usb:1234:6001'), [])
  t.strictSame(await find(before, '/dev/ttyUSB0'), [])
  const [port] = await listSerialPorts(before)
  t.match(port, { usb: { vendorId: '0403', release: '0600', serial: 'AAA', interface: '00' } })

  const swapped = machineWith(t, [
    { tty: 'ttyUSB0', socket: '1.2', serial: 'BBB' },
    { tty: 'ttyUSB1', socket: '1.1', serial: 'AAA' },
  ])
  t.strictSame(await find(swapped, 'usb-serial:AAA'), ['/dev/ttyUSB1'])
})

/** Ports with a terminal behind each, which says its name when its line opens. */
function cables(t: Test, behind: Readonly<Record<string, string>>) {
  const opened: string[] = []
  const closed: string[] = []
  const ports = Object.keys(behind).map((path): SerialPortInfo => {
    return { path, usb: { vendorId: '0403', productId: '6001', release: '0600', interface: '00' } }
  })
  const open = (path: string): Transport => ({
    address: path,
    connect: async signal => {
      opened.push(path)
      if (behind[path] === 'busy') throw new TillbridgeError('TB_LINE_BUSY', `${path} is locked`)
      const modem = new NullModem({ clock: systemClock })
      const near = await modem.ends[0].connect(signal)
      const far = await modem.ends[1].connect(signal)
      await far.write(Buffer.from(behind[path] ?? ''))
      t.teardown(() => far.close())
      return {
        ...near,
        write: bytes => near.write(bytes),
        close: async () => {
          closed.push(path)
          await near.close()
        },
        [Symbol.asyncIterator]: () => near[Symbol.asyncIterator](),
      }
    },
  })
  return { ports, open, opened, closed }
}

/** The right terminal says this first. */
const says =
  (expected: string) =>
  async (connection: Connection): Promise<Connection | undefined> => {
    for await (const { bytes } of connection)
      return Buffer.from(bytes).toString() === expected ? connection : undefined
    return undefined
  }

t.test('of several adapters the one whose terminal answers; a busy one is passed by', async t => {
  const behind = { '/dev/a': 'busy', '/dev/b': 'scale', '/dev/c': 'till' }
  const { ports, open, opened, closed } = cables(t, behind)
  const port = new NamedPort({
    name: 'usb:0403:6001',
    list: async () => ports,
    open,
    recognise: says('till'),
  })
  const { signal } = new AbortController()
  const connection = await port.connect(signal)
  t.strictSame(opened, ['/dev/a', '/dev/b', '/dev/c'])
  t.strictSame(closed, ['/dev/b'], 'the other terminal is let go')
  t.equal(port.address, 'usb:0403:6001 /dev/c')
  await connection.close()
  const nobody = new NamedPort({
    name: 'usb:0403:6001',
    list: async () => ports,
    open,
    recognise: says('oven'),
  })
  await t.rejects(nobody.connect(signal), { code: 'TB_LINE_UNAVAILABLE', message: /none of 3/ })
})

t.test('what cannot be told apart is not guessed; what is not there is said', async t => {
  const { ports, open, opened } = cables(t, { '/dev/a': 'till', '/dev/b': 'till' })
  const { signal } = new AbortController()
  const named = (name: string, list: readonly SerialPortInfo[]) =>
    new NamedPort({ name, list: async () => list, open, recognise: undefined }).connect(signal)
  await t.rejects(named('usb:0403:6001', ports), {
    code: 'TB_LINE_UNAVAILABLE',
    message: /2 adapters are called so; write one of \/dev\/a, \/dev\/b/,
  })
  await t.rejects(named('usb:0403:6001', []), { message: /no such adapter is plugged in/ })
  t.strictSame(opened, [])
  const only = await named('usb:0403:6001', ports.slice(1))
  t.strictSame(opened, ['/dev/b'])
  await only.close()
})

t.test('the doctor says which adapters are equal, and what a name means', async t => {
  const root = machineWith(t, [
    { tty: 'ttyUSB0', socket: '1.1' },
    { tty: 'ttyUSB1', socket: '1.2' },
  ])
  const found = await checkAdapters(
    machineOf({ root, config: shopOf(terminalOn("'usb:0403:6001'")) }),
  )
  t.match(found, [
    {
      state: 'warn',
      found: /^2 adapters 0403:6001 have no serial number: only the socket/,
      doThis: /by-path\/platform-usb-0:1\.1:1\.0, .*by-path\/platform-usb-0:1\.2:1\.0\.$/,
    },
    { name: 'adapter of r1', state: 'warn', found: /^usb:0403:6001 may be .*1\.1.* or .*1\.2/ },
  ])
  const gone = machineOf({ root, config: shopOf(terminalOn("'usb-serial:XYZ'")) })
  t.match((await checkAdapters(gone)).at(-1), {
    name: 'adapter of r1',
    state: 'fail',
    found: 'no adapter here is usb-serial:XYZ',
  })
  const single = machineWith(t, [{ tty: 'ttyUSB0', socket: '1.1', serial: 'AAA' }])
  const named = machineOf({ root: single, config: shopOf(terminalOn("'usb-serial:AAA'")) })
  t.match(await checkAdapters(named), [{ state: 'ok', found: /^usb-serial:AAA is .*1\.1/ }])
  t.strictSame(await checkAdapters(machineOf({ root: single })), [])
})
