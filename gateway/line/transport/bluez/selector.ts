import type { DeviceObject } from './object-tree.js'

/** How a terminal is told from the others around: all that is given must hold. */
export interface BleSelector {
  /** `AA:BB:CC:DD:EE:FF` */
  readonly address?: string
  /** `*` stands for any characters. */
  readonly name?: string
  /** A service that it advertises, as its full UUID. */
  readonly service?: string
  /** Only one that this gateway is bonded with. */
  readonly bonded?: boolean
}

export function isSelected(selector: BleSelector, device: DeviceObject): boolean {
  const { address, name, service, bonded } = selector
  if (address !== undefined && device.Address.toUpperCase() !== address.toUpperCase()) return false
  if (name !== undefined && !isLike(name, device.Name ?? '')) return false
  if (service !== undefined && !device.UUIDs.includes(service)) return false
  return bonded !== true || device.Paired
}

export function selectorText({ address, name, service, bonded }: BleSelector): string {
  const words = [address, name, service, bonded === true ? 'bonded' : undefined]
  return `ble:${words.filter(word => word !== undefined).join('/')}`
}

function isLike(pattern: string, name: string): boolean {
  const [first = '', ...others] = pattern.split('*')
  if (others.length === 0) return pattern === name
  if (!name.startsWith(first)) return false
  let at = first.length
  for (const [index, part] of others.entries()) {
    const isLast = index === others.length - 1
    const found = isLast ? name.length - part.length : name.indexOf(part, at)
    if (found < at || !name.startsWith(part, found)) return false
    at = found + part.length
  }
  return true
}

const BASE = '-0000-1000-8000-00805f9b34fb'

/** `180F` is short for `0000180f-0000-1000-8000-00805f9b34fb`. */
export function fullUuid(uuid: string): string {
  const lower = uuid.toLowerCase()
  return lower.length === 4 ? `0000${lower}${BASE}` : lower
}

/** The four digits of a UUID of the Bluetooth SIG, in capitals; undefined for any other. */
export function shortUuid(uuid: string): string | undefined {
  return uuid.startsWith('0000') && uuid.endsWith(BASE) ? uuid.slice(4, 8).toUpperCase() : undefined
}
