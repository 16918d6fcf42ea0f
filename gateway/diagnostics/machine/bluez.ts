import dbus from 'dbus-next'
import { createBluetooth } from 'node-ble'

/**
 * Names of the adapters that BlueZ reports on the system bus. May wait for ever: give it a limit.
 */
export async function bluezAdapters(): Promise<readonly string[]> {
  const { bluetooth, destroy } = createBluetooth()
  const bus: unknown = Reflect.get(bluetooth, 'dbus')
  if (!(bus instanceof dbus.MessageBus)) throw new TypeError('node-ble has no bus of dbus-next')
  // A bus that cannot be reached says so by an event alone, which unheard would end the process.
  const failed = new Promise<never>((_, reject) => bus.on('error', reject))
  const ask = async (): Promise<readonly string[]> => {
    // With the first object that it is asked for dbus-next asks for a rule, too, and hears of an
    // object that is not there only after that one's answer: too late, the process has ended.
    await bus.getProxyObject('org.freedesktop.DBus', '/org/freedesktop/DBus')
    return bluetooth.adapters()
  }
  try {
    return await Promise.race([ask(), failed])
  } finally {
    destroy()
  }
}
