import { access, readFile, readlink, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { ShopConfig } from '../config/schema.js'
import { portsNamed, readPortName } from '../line/transport/port-name.js'
import { listSerialPorts, type SerialPortInfo } from '../line/transport/serial-port-list.js'
import { type ProcessName, processesHolding } from './machine/processes.js'
import { readUartCounters, type UartCounters } from './machine/uart-counters.js'

/** A serial port of this machine, or one that the configuration names and that is not there. */
export interface PortReport extends Partial<Omit<SerialPortInfo, 'path'>> {
  readonly path: string
  readonly isThere: boolean
  /** The kernel's driver: `ftdi_sio`. */
  readonly driver?: string
  readonly uart?: UartCounters
  /** Which socket of which hub: `1-1.4:1.0`, as `lsusb -t` counts. */
  readonly usbPlace?: string
  readonly product?: string
  /** The terminals, or the bus, that the configuration puts there. */
  readonly usedBy: readonly string[]
  /** How the configuration has a two-wire line turned round. */
  readonly rs485?: string
  /** Who has it open, the gateway among them. */
  readonly holders: readonly ProcessName[]
}

type SerialLine = Extract<ShopConfig['buses'][number]['line'], { type: 'serial' }>

interface Use {
  readonly id: string
  readonly line: SerialLine
}

/** `root` stands before /dev, /sys and /proc, for tests. */
export async function reportPorts(config: ShopConfig, root = '/'): Promise<readonly PortReport[]> {
  const listed = await listSerialPorts(root)
  const uses = [...config.terminals, ...config.buses].flatMap(({ id, line }): readonly Use[] =>
    line.type === 'serial' ? [{ id, line }] : [],
  )
  const placed = await Promise.all(
    uses.map(async use => ({ use, path: await pathOf(use.line.path, { listed, root }) })),
  )
  const others = placed.map(({ path }) => path).filter(path => !listed.some(at => at.path === path))
  const ports: readonly SerialPortInfo[] = [
    ...listed,
    ...[...new Set(others)].map(path => ({ path })),
  ]
  return Promise.all(
    ports.map(port =>
      reportPort(port, {
        root,
        uses: placed.flatMap(({ use, path }) => (path === port.path ? [use] : [])),
      }),
    ),
  )
}

/** The device that a configured path leads to now; the path itself where it leads nowhere. */
async function pathOf(
  path: string,
  at: { readonly listed: readonly SerialPortInfo[]; readonly root: string },
): Promise<string> {
  const name = readPortName(path)
  if (name !== undefined) return portsNamed(name, at.listed)[0]?.path ?? path
  const whole = join(at.root, path)
  return realpath(whole).catch(() => whole)
}

async function reportPort(
  port: SerialPortInfo,
  { root, uses }: { readonly root: string; readonly uses: readonly Use[] },
): Promise<PortReport> {
  const device = join(root, 'sys/class/tty', basename(port.path), 'device')
  const driver = await driverOf(device)
  const uart = await readUartCounters(root, basename(port.path))
  const place = port.usb === undefined ? undefined : await usbPlaceOf(device)
  const modes = uses.flatMap(({ line }) => (line.rs485 === undefined ? [] : [line.rs485.direction]))
  return {
    ...port,
    isThere: await access(port.path).then(
      () => true,
      () => false,
    ),
    ...(driver === undefined ? {} : { driver }),
    ...(uart === undefined ? {} : { uart }),
    ...place,
    usedBy: uses.map(({ id }) => id),
    ...(modes[0] === undefined ? {} : { rs485: modes[0] }),
    holders: await processesHolding({ proc: join(root, 'proc'), path: port.path }),
  }
}

/** Since Linux 6.5 serial_core stands between a UART and its driver, with two devices. */
const BETWEEN = ['port', 'ctrl']

async function driverOf(device: string): Promise<string | undefined> {
  const folder = await realpath(device).catch(() => device)
  for (const at of [folder, dirname(folder), dirname(dirname(folder))]) {
    const driver = basename(await readlink(join(at, 'driver')).catch(() => ''))
    if (driver !== '' && !BETWEEN.includes(driver)) return driver
    if (driver === '') return undefined
  }
  return undefined
}

/** The interface's folder is called as its socket, and the device's folder is the one above. */
async function usbPlaceOf(device: string): Promise<Pick<PortReport, 'usbPlace' | 'product'>> {
  const folder = await realpath(device).catch(() => undefined)
  if (folder === undefined) return {}
  const isInterface = /^\d+-[\d.]+:\d+\.\d+$/.test(basename(folder))
  const place = isInterface ? folder : dirname(folder)
  const product = await readFile(join(dirname(place), 'product'), 'utf8').catch(() => '')
  const usbPlace = basename(place)
  return product.trim() === '' ? { usbPlace } : { usbPlace, product: product.trim() }
}
