import { readFile, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** What the USB device says of itself that a serial port belongs to. */
export interface UsbDevice {
  /** idVendor and idProduct: four hexadecimal digits each. */
  readonly vendorId: string
  readonly productId: string
  /** bcdDevice: `0512` is 5.12. */
  readonly release: string
  /** Which of its interfaces the port is: `00`. */
  readonly interface: string
  /** Cheap adapters have none, or all the same. */
  readonly serial?: string
}

/** Levels of /sys from a port to its device: port, interface, device. */
const LEVELS = 5

/**
 * The USB device behind `/dev/ttyUSB0` or a link to it; nothing where it belongs to none. `root` is
 * where `dev` and `sys` are, for tests.
 */
export async function usbDeviceOf(path: string, root = '/'): Promise<UsbDevice | undefined> {
  try {
    const name = basename(await realpath(path).catch(() => path))
    let folder = await realpath(join(root, 'sys/class/tty', name, 'device'))
    let own = ''
    for (let level = 0; level < LEVELS; level += 1) {
      own ||= (await textIn(folder, 'bInterfaceNumber')) ?? ''
      const vendorId = await textIn(folder, 'idVendor')
      if (vendorId !== undefined) {
        const productId = (await textIn(folder, 'idProduct')) ?? ''
        const release = (await textIn(folder, 'bcdDevice')) ?? ''
        const serial = await textIn(folder, 'serial')
        const device = { vendorId, productId, release, interface: own }
        return serial === undefined ? device : { ...device, serial }
      }
      folder = dirname(folder)
    }
    return undefined
  } catch {
    // It was unplugged while we looked, or is no port of this machine.
    return undefined
  }
}

async function textIn(folder: string, name: string): Promise<string | undefined> {
  const text = await readFile(join(folder, name), 'utf8').catch(() => '')
  return text.trim() === '' ? undefined : text.trim()
}
