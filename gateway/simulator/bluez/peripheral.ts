import dbus from 'dbus-next'
import type { Properties } from './exported-objects.js'

export interface PeripheralCharacteristic {
  readonly uuid: string
  readonly flags: readonly string[]
  readonly value?: Uint8Array
  readonly onWrite?: (bytes: Uint8Array, type: 'request' | 'command') => void
}

export interface PeripheralOptions {
  readonly address: string
  readonly name?: string
  /** What it advertises. */
  readonly uuids?: readonly string[]
  readonly services?: readonly {
    readonly uuid: string
    readonly characteristics: readonly PeripheralCharacteristic[]
  }[]
}

/** A terminal near an adapter of the stand-in; its fields are what tests turn. */
export class Peripheral {
  readonly options: PeripheralOptions
  readonly path: string
  isOn = true
  isConnected = false
  isPaired = false
  /** It has lost its key, and refuses the one that BlueZ has. */
  isBondLost = false
  /** It answers nothing that it is asked. */
  isMute = false
  /** Time that it takes for an answer. */
  answerMs = 0
  /** What it wants as a passkey before it pairs. */
  passkey: number | undefined
  /** ServicesResolved comes right behind the reply to Connect. */
  races = false
  mtu = 247
  rssi = -55
  manufacturerData: Readonly<Record<number, Uint8Array>> = {}
  serviceData: Readonly<Record<string, Uint8Array>> = {}
  /** By the path of the characteristic: the D-Bus names of those who subscribed. */
  readonly subscribers = new Map<string, Set<string>>()
  readonly writing = new Set<string>()

  constructor(options: PeripheralOptions, path: string) {
    this.options = options
    this.path = path
  }
}

/** What it advertises beside its name. */
export function advertisementOf({ manufacturerData, serviceData }: Peripheral): Properties {
  const bytes = (data: Uint8Array): unknown => new dbus.Variant('ay', Buffer.from(data))
  const services = Object.entries(serviceData).map(([uuid, data]) => [uuid, bytes(data)] as const)
  // dbus-next writes no dictionary of numbers; its clients read both alike.
  const makers = Object.entries(manufacturerData).map(([id, data]) => [id, bytes(data)] as const)
  return {
    ...(services.length === 0 ? {} : { ServiceData: ['a{sv}', Object.fromEntries(services)] }),
    ...(makers.length === 0 ? {} : { ManufacturerData: ['a{sv}', Object.fromEntries(makers)] }),
  }
}
