import type { BleShop } from './ble.js'
import { addGadget } from './ble.js'
import { type Footprint, footprint } from './footprint.js'

const WARM_UP = 10

/** Connects and disconnects so often; what is held before and after, all being warm. */
export async function cycle(
  shop: BleShop,
  count: number,
): Promise<{ readonly before: Footprint; readonly after: Footprint }> {
  addGadget(shop.bluez)
  const transport = shop.gatt({ radio: shop.radio() })
  const once = async (): Promise<void> => {
    const connection = await transport.connect(shop.signal)
    await connection.close()
  }
  for (let index = 0; index < WARM_UP; index++) await once()
  const before = await footprint()
  for (let index = 0; index < count; index++) {
    await once()
    // What the stand-in notes of its calls is not the gateway's.
    shop.bluez.calls.length = 0
  }
  return { before, after: await footprint() }
}
