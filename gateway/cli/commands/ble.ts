import { Command } from 'commander'
import { isConfigured } from '../../config/load.js'
import type { ShopConfig } from '../../config/schema.js'
import { systemClock } from '../../core/clock.js'
import { messageOf } from '../../core/errors.js'
import { whyNoBluetooth } from '../../diagnostics/machine/bluetooth.js'
import { type Pairing, type PairingDialog, sixDigits } from '../../line/transport/bluez/agent.js'
import { BleRadio } from '../../line/transport/bluez/ble-radio.js'
import type { GattLink } from '../../line/transport/bluez/gatt-link.js'
import type { Heard } from '../../line/transport/bluez/nearby.js'
import { shortUuid } from '../../line/transport/bluez/selector.js'
import { CHARACTERISTICS } from '../../protocol/ble/characteristics.js'
import { ask } from '../ask.js'
import { deviceLine, named } from '../ble-device.js'
import { EXIT } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { printable } from '../printable.js'
import { configOption, loadShop } from '../shop.js'
import { stopSignal } from '../stop-signal.js'

interface BleOptions {
  readonly config?: string
}

/** `tillbridge ble`: what is near, how strong, and which profile fits; and bonds. */
export function bleCommand(io: CliIo): Command {
  const command = new Command('ble').description('terminals on Bluetooth Low Energy')
  command
    .command('scan')
    .description('list what is near: address, signal, name, services, profiles that fit')
    .addOption(configOption())
    .option('--for <seconds>', 'how long to listen', '10')
    .action((options: BleOptions & { readonly for: string }) => scan(io, options))
  command
    .command('show <address>')
    .description('connect with one device and list what it has')
    .addOption(configOption())
    .action((address: string, options: BleOptions) =>
      withLink(io, { address, options, pairing: 'none' }, link => printAll(io, link)),
    )
  command
    .command('pair <address>')
    .description('bond with one device; a passkey is asked for where it wants one')
    .addOption(configOption())
    .action((address: string, options: BleOptions) =>
      withLink(io, { address, options, pairing: dialogOn(io) }, async () =>
        io.print(`${address}  bonded`),
      ),
    )
  return command
}

function openRadio(
  io: CliIo,
  options: BleOptions,
): { readonly radio: BleRadio; readonly signal: AbortSignal } {
  const config: ShopConfig | undefined = isConfigured({ file: options.config, env: io.env })
    ? loadShop({ file: options.config, io })
    : undefined
  const radio = new BleRadio({ clock: systemClock, connections: 1, ...config?.bluetooth })
  const signal = stopSignal({ clock: systemClock, exit: code => io.exit(code) })
  return { radio, signal }
}

async function scan(io: CliIo, options: BleOptions & { readonly for: string }): Promise<void> {
  const seconds = Number(options.for)
  if (!(seconds > 0 && seconds <= LONGEST_SCAN_S)) {
    io.complain(`--for: expected 1 to ${LONGEST_SCAN_S} seconds`)
    io.exit(EXIT.usage)
  }
  const { radio, signal } = openRadio(io, options)
  const heard = new Map<string, Heard>()
  const stop = radio.listen({}, one => heard.set(one.device.Address, one))
  await systemClock.sleep(seconds * 1000, signal)
  const { trouble } = radio
  stop()
  await radio.idle()
  if (trouble !== undefined) explain(io, trouble)
  else if (heard.size === 0) io.complain(`nothing was heard within ${seconds} s`)
  const devices = [...heard.values()].toSorted((left, right) => strength(right) - strength(left))
  for (const one of devices) io.print(deviceLine(one))
  io.exit(heard.size > 0 ? EXIT.ok : EXIT.findings)
}

const LONGEST_SCAN_S = 3600
const NEVER_DBM = -200

function strength({ rssiDbm = NEVER_DBM }: Heard): number {
  return rssiDbm
}

/** Does its work on a link, and says what to do where there is none. */
async function withLink(
  io: CliIo,
  one: { readonly address: string; readonly options: BleOptions; readonly pairing: Pairing },
  work: (link: GattLink) => Promise<void>,
): Promise<never> {
  const { address, options, pairing } = one
  const { radio, signal } = openRadio(io, options)
  let found = false
  try {
    const heard = (rssiDbm: number | undefined): void => {
      found = true
      io.print(`${address}  ${rssiDbm ?? '?'} dBm`)
    }
    const link = await radio.connect({ selector: { address }, pairing, signal, heard })
    await work(link)
    await link.close()
  } catch (thrown) {
    if (radio.trouble !== undefined) explain(io, radio.trouble)
    else {
      io.complain(messageOf(thrown))
      io.complain(found ? 'Is it connected with something else, or asleep?' : NOT_NEAR)
    }
    io.exit(EXIT.findings)
  }
  io.exit(EXIT.ok)
}

const NOT_NEAR = 'Is it switched on and near? `tillbridge ble scan` lists what is.'

function explain(io: CliIo, trouble: string): void {
  const { found, doThis } = whyNoBluetooth(trouble)
  io.complain(found)
  io.complain(doThis)
}

async function printAll(io: CliIo, link: GattLink): Promise<void> {
  for (const one of link.characteristics) {
    const { UUID, serviceUuid, Flags } = one
    const read = CHARACTERISTICS[shortUuid(UUID) ?? '']
    const value =
      read !== undefined && Flags.includes('read') ? read(await link.read(one)) : undefined
    const values = value?.ok === true ? Object.values(value.value) : []
    const text = values.map(each => printable(String(each))).join(' ')
    io.print(`${named(serviceUuid)}  ${named(UUID)}  ${Flags.join(', ')}  ${text}`.trimEnd())
  }
}

function dialogOn(io: CliIo): PairingDialog {
  return {
    askPasskey: async () => {
      const typed = await ask('the six digits that it shows: ')
      return typed !== undefined && /^\d{1,6}$/.test(typed.trim()) ? Number(typed) : undefined
    },
    isShown: async passkey => {
      const typed = await ask(`does it show ${sixDigits(passkey)}? (yes or no) `)
      return typed?.trim().toLowerCase() === 'yes'
    },
    show: passkey => io.print(`type at the device: ${sixDigits(passkey)}`),
  }
}
