import { fromHex } from '../core/bytes.js'
import type { UsbDevice } from '../line/transport/usb-device.js'
import type { Dialect } from '../profile/dialect.js'
import type { Identify } from '../profile/schema.js'
import type { Overheard } from './overheard.js'

/** What a terminal turned out to be; without `found`, what to do with one that nobody knows. */
export interface Identity {
  readonly dialect: Dialect
  readonly found?: FoundFirmware
}

export interface FoundFirmware {
  readonly firmware: string
  readonly by: Identify['type']
}

/** Asks a terminal in every way that its profile names, until one gives its firmware. */
export async function findFirmware(options: {
  readonly methods: readonly Identify[]
  readonly line: Overheard
  readonly usb: () => Promise<UsbDevice | undefined>
}): Promise<FoundFirmware | undefined> {
  for (const method of options.methods) {
    const firmware = await firmwareBy(method, options)
    if (firmware !== undefined) return { firmware, by: method.type }
  }
  return undefined
}

async function firmwareBy(
  method: Identify,
  { line, usb }: { readonly line: Overheard; readonly usb: () => Promise<UsbDevice | undefined> },
): Promise<string | undefined> {
  switch (method.type) {
    case 'query': {
      const { send, withinMs } = method
      const pattern = new RegExp(method.pattern, 's')
      return line.ask({
        request: fromHex(send),
        withinMs,
        answer: bytes => {
          const match = pattern.exec(Buffer.from(bytes).toString('latin1'))
          const value = match?.groups?.['firmware']
          if (match === null || value === undefined || value === '') return undefined
          return { from: match.index, to: match.index + match[0].length, value }
        },
      })
    }
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
