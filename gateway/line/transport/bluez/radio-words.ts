import { TillbridgeError } from '../../../core/errors.js'
import { type BluezBus, BusError } from './bluez-bus.js'
import { ADAPTER } from './object-tree.js'

export function shortName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

export function isAdvertisement(properties: Readonly<Record<string, unknown>>): boolean {
  return 'RSSI' in properties || 'ManufacturerData' in properties || 'ServiceData' in properties
}

export async function switchOn(bus: BluezBus, path: string): Promise<void> {
  await bus.call({
    path,
    interface: 'org.freedesktop.DBus.Properties',
    member: 'Set',
    signature: 'ssv',
    body: [ADAPTER, 'Powered', bus.flag(true)],
  })
}

export function troubleOf({ name, message }: BusError): string {
  if (name.endsWith('.AccessDenied')) return `the policy of D-Bus forbids BlueZ: ${message}`
  if (
    name.endsWith('.ServiceUnknown') ||
    name.includes('.Spawn.') ||
    name.endsWith('NameHasNoOwner')
  )
    return `bluetoothd does not run: ${message}`
  return message
}

export function lineFailure(thrown: unknown): unknown {
  if (!(thrown instanceof BusError)) return thrown
  return new TillbridgeError('TB_LINE_UNAVAILABLE', `connecting: ${thrown.message}`, {
    cause: thrown,
  })
}
