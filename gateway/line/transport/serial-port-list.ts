import { readdir, readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { type UsbDevice, usbDeviceOf } from './usb-device.js'

export interface SerialPortInfo {
  /** `/dev/ttyUSB0`: may belong to another device after replugging. */
  readonly path: string
  /** The name that follows the device, where it has a serial number: the one to configure. */
  readonly byId?: string
  /** The name that follows the socket it is plugged into. */
  readonly byPath?: string
  /** The USB device that it belongs to. */
  readonly usb?: UsbDevice
}

/**
 * The serial ports of this machine, by path. Read from the file system: `udevadm`, which serialport
 * asks, is absent from slim images. `root` is where `dev` and `sys` are, for tests.
 */
export async function listSerialPorts(root = '/'): Promise<readonly SerialPortInfo[]> {
  const device = join(root, 'dev')
  const byId = await links(join(device, 'serial/by-id'))
  const byPath = await links(join(device, 'serial/by-path'))
  const paths = new Set([...byId.keys(), ...byPath.keys()])
  const classFolder = join(root, 'sys/class/tty')
  for (const name of await entries(classFolder))
    if (await isPort(join(classFolder, name))) paths.add(join(device, name))
  const found = [...paths].sort().map(async path => {
    const idName = byId.get(path)
    const pathName = byPath.get(path)
    const usb = await usbDeviceOf(path, root)
    return {
      path,
      ...(usb === undefined ? {} : { usb }),
      ...(idName === undefined ? {} : { byId: idName }),
      ...(pathName === undefined ? {} : { byPath: pathName }),
    }
  })
  return Promise.all(found)
}

/** From the device to the link that names it. */
async function links(folder: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  for (const name of await entries(folder)) {
    const link = join(folder, name)
    const target = await orUndefined(realpath(link))
    if (target !== undefined) found.set(target, link)
  }
  return found
}

// A virtual console has no device behind it. The 8250 driver lists ports the board does not have;
// those are of type 0 (PORT_UNKNOWN in linux/serial_core.h). USB adapters state no type.
async function isPort(classEntry: string): Promise<boolean> {
  if ((await orUndefined(realpath(join(classEntry, 'device')))) === undefined) return false
  const type = await orUndefined(readFile(join(classEntry, 'type'), 'utf8'))
  return type?.trim() !== '0'
}

async function entries(folder: string): Promise<readonly string[]> {
  return (await orUndefined(readdir(folder))) ?? []
}

// Devices come and go while we look, and a machine may have none: what is not there is no port.
async function orUndefined<Value>(work: Promise<Value>): Promise<Value | undefined> {
  try {
    return await work
  } catch {
    return undefined
  }
}
