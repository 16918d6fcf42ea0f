import { EventEmitter } from 'node:events'
import { createBluetooth } from 'node-ble'

/**
 * Names of the adapters that BlueZ reports on the system bus. May wait for ever: give it a limit.
 */
export async function bluezAdapters(): Promise<readonly string[]> {
  const { bluetooth, destroy } = createBluetooth()
  // A bus that cannot be reached says so by an event alone, which unheard would end the process.
  const bus: unknown = Reflect.get(bluetooth, 'dbus')
  const failed = new Promise<never>((_, reject) => {
    if (bus instanceof EventEmitter) bus.on('error', reject)
  })
  try {
    return await Promise.race([bluetooth.adapters(), failed])
  } finally {
    destroy()
  }
}
