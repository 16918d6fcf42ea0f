import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../core/errors.js'
import type { Check } from './check.js'
import { raceTimeout } from './race-timeout.js'

const name = 'Bluetooth'
const BUS_TIMEOUT_MS = 3000

/** No terminal speaks Bluetooth yet, so nothing here is a fault: it only says what there is. */
export const checkBluetooth: Check = async machine => {
  const socket = join(machine.root, '/run/dbus/system_bus_socket')
  const present = await access(socket).then(
    () => true,
    () => false,
  )
  if (!present) return [{ name, state: 'ok', found: 'no D-Bus, so no BlueZ; no terminal needs it' }]
  try {
    const adapters = await raceTimeout({
      promise: machine.bluetoothAdapters(),
      clock: machine.clock,
      ms: BUS_TIMEOUT_MS,
    })
    const found = adapters.length === 0 ? 'BlueZ runs, without an adapter' : adapters.join(', ')
    return [{ name, state: 'ok', found }]
  } catch (thrown) {
    return [{ name, state: 'ok', found: `no BlueZ (${messageOf(thrown)}); no terminal needs it` }]
  }
}
