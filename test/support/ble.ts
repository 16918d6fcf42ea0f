import type { Test } from 'tap'
import { concatBytes } from '../../gateway/core/bytes.js'
import { systemClock } from '../../gateway/core/clock.js'
import {
  BleAdvertisement,
  type BleAdvertisementOptions,
} from '../../gateway/line/transport/ble-advertisement.js'
import { BleGatt, type BleGattOptions } from '../../gateway/line/transport/ble-gatt.js'
import { BleRadio } from '../../gateway/line/transport/bluez/ble-radio.js'
import { fullUuid } from '../../gateway/line/transport/bluez/selector.js'
import type { Peripheral } from '../../gateway/simulator/bluez/peripheral.js'
import { openPrivateBus, type PrivateBus } from '../../gateway/simulator/bluez/private-bus.js'
import { BluezStandIn } from '../../gateway/simulator/bluez/stand-in.js'

const NUS = '6e400001-b5a3-f393-e0a9-e50e24dcca9e'
const NUS_RX = '6e400002-b5a3-f393-e0a9-e50e24dcca9e'
export const NUS_TX = '6e400003-b5a3-f393-e0a9-e50e24dcca9e'

export const SERIAL = { type: 'serial', service: NUS, notify: NUS_TX, write: NUS_RX } as const

/** A clock on which what takes minutes takes seconds; the order of things stays. */
const hasty = {
  ...systemClock,
  sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms / 20, signal),
  after: (ms: number, callback: () => void) => systemClock.after(ms / 5, callback),
}

/** BlueZ' stand-in on a bus of its own, with one adapter; the process looks there for BlueZ. */
export class BleShop {
  readonly bus: PrivateBus
  #bluez: BluezStandIn
  readonly #leaving = new AbortController()

  private constructor(bus: PrivateBus, bluez: BluezStandIn) {
    this.bus = bus
    this.#bluez = bluez
  }

  static async open(t: Test): Promise<BleShop> {
    const bus = await openPrivateBus(systemClock)
    process.env['DBUS_SYSTEM_BUS_ADDRESS'] = bus.address
    const shop = new BleShop(bus, await startBluez(bus))
    t.teardown(async () => {
      await shop.leave()
      shop.bluez.kill()
      await bus.stop()
    })
    return shop
  }

  get bluez(): BluezStandIn {
    return this.#bluez
  }

  /** Aborts when the test is over: radios rest then. */
  get signal(): AbortSignal {
    return this.#leaving.signal
  }

  async leave(): Promise<void> {
    this.#leaving.abort()
    await Promise.all(this.#radios.map(radio => radio.idle()))
  }

  readonly #radios: BleRadio[] = []

  radio(connections = 5): BleRadio {
    const radio = new BleRadio({ clock: hasty, connections })
    this.#radios.push(radio)
    return radio
  }

  /** bluetoothd again, with the adapter and nothing that it knew. */
  async restartBluez(): Promise<void> {
    this.#bluez = await startBluez(this.bus)
  }

  advertisement(options: Pick<BleAdvertisementOptions, 'radio' | 'selector'>): BleAdvertisement {
    return new BleAdvertisement({ silentAfterMs: 60_000, clock: systemClock, ...options })
  }

  gatt(options: Partial<BleGattOptions> & Pick<BleGattOptions, 'radio'>): BleGatt {
    return new BleGatt({
      selector: { address: '00:AA:01:01:00:01' },
      pairing: 'none',
      content: SERIAL,
      clock: hasty,
      ...options,
    })
  }
}

async function startBluez(bus: PrivateBus): Promise<BluezStandIn> {
  const bluez = await BluezStandIn.start({ busAddress: bus.address, clock: systemClock })
  bluez.addAdapter('hci0', '00:AA:01:00:00:00')
  return bluez
}

export interface Gadget {
  readonly peripheral: Peripheral
  readonly received: () => Uint8Array
  readonly writes: readonly Uint8Array[]
  /** How each of them came. */
  readonly ways: readonly ('request' | 'command')[]
  firmware: string
}

/** A terminal with Nordic UART, Device Information and a weight scale. */
export function addGadget(
  bluez: BluezStandIn,
  options: {
    readonly address?: string
    readonly name?: string
    readonly adapter?: string
    readonly uuids?: readonly string[]
  } = {},
): Gadget {
  const {
    address = '00:AA:01:01:00:01',
    name = 'TILL-01',
    adapter = 'hci0',
    uuids = [NUS],
  } = options
  const writes: Uint8Array[] = []
  const ways: ('request' | 'command')[] = []
  const onWrite = (bytes: Uint8Array, way: 'request' | 'command'): void => {
    writes.push(bytes)
    ways.push(way)
  }
  const peripheral = bluez.addPeripheral(adapter, {
    address,
    name,
    uuids,
    services: [
      {
        uuid: fullUuid('180A'),
        characteristics: [
          {
            uuid: fullUuid('2A26'),
            flags: ['read'],
            get value() {
              return Buffer.from(gadget.firmware)
            },
          },
        ],
      },
      {
        uuid: NUS,
        characteristics: [
          { uuid: NUS_RX, flags: ['write', 'write-without-response'], onWrite },
          { uuid: NUS_TX, flags: ['notify'] },
        ],
      },
      {
        uuid: fullUuid('181D'),
        characteristics: [{ uuid: fullUuid('2A9D'), flags: ['indicate'] }],
      },
      {
        uuid: fullUuid('180F'),
        characteristics: [{ uuid: fullUuid('2A19'), flags: ['read'], value: Uint8Array.of(87) }],
      },
    ],
  })
  const gadget: Gadget = {
    peripheral,
    writes,
    ways,
    firmware: '4.2.1',
    received: () => concatBytes(writes),
  }
  return gadget
}
