import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../core/errors.js'
import type { Check, Finding, Machine } from './check.js'
import { raceTimeout } from './race-timeout.js'

const name = 'Bluetooth'
const BUS_TIMEOUT_MS = 3000

/** D-Bus, its policy, BlueZ and an adapter: faults where a terminal needs them, else only said. */
export const checkBluetooth: Check = async machine => {
  const socket = join(machine.root, '/run/dbus/system_bus_socket')
  const present = await access(socket).then(
    () => true,
    () => false,
  )
  if (!present && machine.busAddress === undefined) return [missing(machine, NO_BUS)]
  try {
    const adapters = await raceTimeout({
      promise: machine.bluetoothAdapters(),
      clock: machine.clock,
      ms: BUS_TIMEOUT_MS,
    })
    if (adapters.length > 0) return [{ name, state: 'ok', found: adapters.join(', ') }]
    return [missing(machine, whyNoBluetooth('no adapter'))]
  } catch (thrown) {
    return [missing(machine, whyNoBluetooth(messageOf(thrown)))]
  }
}

interface Trouble {
  readonly found: string
  readonly doThis: string
}

const NO_BUS: Trouble = {
  found: 'no D-Bus, so no BlueZ',
  doThis: 'Install dbus and bluez; in a container see deploy/README.md, Bluetooth.',
}

/** What is the matter, by what D-Bus, BlueZ or our own radio said. */
export function whyNoBluetooth(message: string): Trouble {
  if (/no adapter/.test(message))
    return {
      found: 'BlueZ runs, without an adapter',
      doThis: 'Plug one in, or see deploy/README.md, UART: `disable-bt` takes the one on board.',
    }
  if (/ENOENT|ECONNREFUSED/.test(message)) return NO_BUS
  if (/Blocked|rfkill/i.test(message))
    return {
      found: `the adapter is blocked (${message})`,
      doThis: 'Run `rfkill unblock bluetooth`.',
    }
  if (/AccessDenied|not allowed|rejected send|Operation not permitted/i.test(message))
    return {
      found: `the policy of D-Bus or AppArmor forbids BlueZ (${message})`,
      doThis: 'Run as a user that the policy lets in; see deploy/README.md, Bluetooth.',
    }
  return { found: `no BlueZ (${message})`, doThis: 'Start it: `systemctl start bluetooth`.' }
}

function missing({ config }: Machine, { found, doThis }: Trouble): Finding {
  const users = (config?.terminals ?? []).filter(({ line }) => line.type === 'ble')
  if (users.length === 0) return { name, state: 'ok', found: `${found}; no terminal needs it` }
  return { name, state: 'fail', found: `${found}; ${users[0]?.id} needs it`, doThis }
}
