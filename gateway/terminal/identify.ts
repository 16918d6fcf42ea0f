import type { UsbDevice } from '../line/transport/usb-device.js'
import type { Dialect } from '../profile/dialect.js'
import { inquiryOf } from '../profile/inquiry.js'
import type { Identify } from '../profile/schema.js'
import type { Overheard } from './overheard.js'

/** What a terminal turned out to be; without `found`, what to do with one that nobody knows. */
export interface Identity {
  readonly dialect: Dialect
  readonly found?: FoundFirmware
}

export interface FoundFirmware {
  readonly firmware: string
  readonly by: 'query' | 'ble' | 'usb'
}

/** Asks a terminal in every way that its profile names, until one gives its firmware. */
export async function findFirmware(options: {
  readonly methods: readonly Identify[]
  readonly line: Overheard
  readonly usb: () => Promise<UsbDevice | undefined>
}): Promise<FoundFirmware | undefined> {
  for (const method of options.methods) {
    const firmware = await firmwareBy(method, options)
    const by = method.type === 'zvt' ? 'query' : method.type
    if (firmware !== undefined) return { firmware, by }
  }
  return undefined
}

async function firmwareBy(
  method: Identify,
  { line, usb }: { readonly line: Overheard; readonly usb: () => Promise<UsbDevice | undefined> },
): Promise<string | undefined> {
  switch (method.type) {
    case 'query':
    case 'zvt':
      return line.ask(inquiryOf(method))
    case 'ble':
      return line.firmware
    case 'usb': {
      const device = await usb()
      const isIt = device?.vendorId === method.vendorId && device.productId === method.productId
      if (device === undefined || !isIt) return undefined
      const { release } = device
      return `${Number(release.slice(0, 2))}.${release.slice(2)}`
    }
  }
}
