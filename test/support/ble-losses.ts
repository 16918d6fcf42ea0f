import type { BleGattOptions } from '../../gateway/line/transport/ble-gatt.js'
import { addGadget, type BleShop, type Gadget } from './ble.js'

/** A way to lose a terminal; what is called then has it back, and gives it as it is from then on. */
export interface Loss {
  readonly name: string
  /** What of the line's options the loss needs. */
  readonly options?: Partial<BleGattOptions>
  readonly prepare?: (gadget: Gadget) => void
  readonly lose: (shop: BleShop, gadget: Gadget) => Promise<() => Promise<Gadget>>
}

const ADAPTER = ['hci0', '00:AA:01:00:00:00'] as const
const PASSKEY = 123_456

export const LOSSES: readonly Loss[] = [
  {
    name: 'the terminal ends the link',
    lose: async (shop, gadget) => {
      shop.bluez.drop(gadget.peripheral)
      return async () => gadget
    },
  },
  {
    name: 'the terminal is switched off, or out of range',
    lose: async (shop, gadget) => {
      shop.bluez.setRadio(gadget.peripheral, false)
      return async () => {
        shop.bluez.setRadio(gadget.peripheral, true)
        return gadget
      }
    },
  },
  {
    name: 'the terminal is silent',
    options: { silentAfterMs: 5000 },
    lose: async (_, gadget) => async () => gadget,
  },
  {
    name: 'the terminal has lost its bond',
    options: { pairing: { passkey: PASSKEY } },
    prepare: ({ peripheral }) => {
      peripheral.passkey = PASSKEY
    },
    lose: async (shop, gadget) => {
      gadget.peripheral.isBondLost = true
      shop.bluez.drop(gadget.peripheral)
      return async () => gadget
    },
  },
  {
    name: 'the adapter is switched off',
    lose: async (shop, gadget) => {
      shop.bluez.setPowered('hci0', false)
      return async () => gadget
    },
  },
  {
    name: 'the adapter is pulled',
    lose: async shop => {
      shop.bluez.removeAdapter('hci0')
      return async () => {
        shop.bluez.addAdapter(...ADAPTER)
        return addGadget(shop.bluez)
      }
    },
  },
  {
    name: 'bluetoothd is killed',
    lose: async shop => {
      shop.bluez.kill()
      return async () => {
        await shop.restartBluez()
        return addGadget(shop.bluez)
      }
    },
  },
  {
    name: 'D-Bus is killed',
    lose: async shop => {
      await shop.bus.kill()
      return async () => {
        await shop.bus.start()
        await shop.restartBluez()
        return addGadget(shop.bluez)
      }
    },
  },
]
