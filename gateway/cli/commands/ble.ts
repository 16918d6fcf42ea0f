import { Command } from 'commander'
import { isConfigured } from '../../config/load.js'
import type { ShopConfig } from '../../config/schema.js'
import { systemClock } from '../../core/clock.js'
import { messageOf } from '../../core/errors.js'
import { BleRadio } from '../../line/transport/bluez/ble-radio.js'
import type { Heard } from '../../line/transport/bluez/nearby.js'
import { shortUuid } from '../../line/transport/bluez/selector.js'
import { EXIT } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { printable } from '../printable.js'
import { configOption, loadShop } from '../shop.js'
import { stopSignal } from '../stop-signal.js'

interface ScanOptions {
  readonly config?: string
  readonly for: string
}

/** `tillbridge ble`: what is near, how strong, and which profile fits. */
export function bleCommand(io: CliIo): Command {
  const command = new Command('ble').description('terminals on Bluetooth Low Energy')
  const seconds = ['--for <seconds>', 'how long to listen', '10'] as const
  command
    .command('scan')
    .description('list what is near: address, signal, name, services, profiles that fit')
    .addOption(configOption())
    .option(...seconds)
    .action(async (options: ScanOptions) => {
      const heard = await listen(io, options)
      for (const one of heard.toSorted((left, right) => strength(right) - strength(left)))
        io.print(lineOf(one))
      io.exit(heard.length > 0 ? EXIT.ok : EXIT.findings)
    })
  command
    .command('show <address>')
    .description('connect to one device and list what it has')
    .addOption(configOption())
    .option(...seconds)
    .action(async (address: string, options: ScanOptions) => {
      const { radio, signal } = openRadio(io, options)
      try {
        const request = { selector: { address }, pairing: 'none', signal } as const
        const link = await radio.connect({
          ...request,
          heard: rssi => io.print(`${address}  ${rssi ?? '?'} dBm`),
        })
        for (const { UUID, serviceUuid, Flags } of link.characteristics)
          io.print(`${named(serviceUuid)}  ${named(UUID)}  ${Flags.join(', ')}`)
        await link.close()
      } catch (thrown) {
        io.complain(messageOf(thrown))
        io.exit(EXIT.findings)
      }
      io.exit(EXIT.ok)
    })
  return command
}

function openRadio(
  io: CliIo,
  options: ScanOptions,
): { readonly radio: BleRadio; readonly signal: AbortSignal } {
  const config: ShopConfig | undefined = isConfigured({ file: options.config, env: io.env })
    ? loadShop({ file: options.config, io })
    : undefined
  const radio = new BleRadio({ clock: systemClock, connections: 1, ...config?.bluetooth })
  const signal = stopSignal({ clock: systemClock, exit: code => io.exit(code) })
  return { radio, signal }
}

async function listen(io: CliIo, options: ScanOptions): Promise<readonly Heard[]> {
  const { radio, signal } = openRadio(io, options)
  const heard = new Map<string, Heard>()
  const stop = radio.listen({}, one => heard.set(one.device.Address, one))
  await systemClock.sleep(Number(options.for) * 1000, signal)
  stop()
  if (radio.trouble !== undefined) io.complain(`${radio.trouble}; see \`tillbridge doctor\``)
  await radio.idle()
  return [...heard.values()]
}

const NEVER_DBM = -200

function strength({ rssiDbm = NEVER_DBM }: Heard): number {
  return rssiDbm
}

function lineOf({ device, rssiDbm }: Heard): string {
  const { Address: address, Name: name = '', UUIDs: uuids, Paired: paired } = device
  const services = uuids.map(named).join(', ')
  const fits = profilesFor(device)
  return [
    address,
    `${rssiDbm ?? '?'} dBm`.padStart(8),
    printable(name).padEnd(20),
    services,
    paired ? 'bonded' : '',
    fits.length > 0 ? `-> ${fits.join(', ')}` : '',
  ]
    .join('  ')
    .trimEnd()
}

const NUS = '6e400001-b5a3-f393-e0a9-e50e24dcca9e'
const BTHOME = '0000fcd2-0000-1000-8000-00805f9b34fb'
const RUUVI_COMPANY = '1177'

/** Services that say which profile to try. */
function profilesFor({ UUIDs, ManufacturerData, ServiceData }: Heard['device']): readonly string[] {
  return [
    ...(UUIDs.includes(NUS) ? ['generic/nus-scanner'] : []),
    ...(UUIDs.some(uuid => shortUuid(uuid) === '181D') ? ['ble/weight-scale'] : []),
    ...(RUUVI_COMPANY in ManufacturerData ? ['ble/ruuvi-tag'] : []),
    ...(BTHOME in ServiceData ? ['ble/bthome-sensor'] : []),
  ]
}

const NAMES: Readonly<Record<string, string>> = {
  '180A': 'Device Information',
  '180F': 'Battery',
  '181A': 'Environmental Sensing',
  '181D': 'Weight Scale',
  '2A19': 'battery level',
  '2A26': 'firmware revision',
  '2A9D': 'weight measurement',
}

function named(uuid: string): string {
  if (uuid === NUS) return 'Nordic UART'
  const short = shortUuid(uuid)
  if (short === undefined) return uuid
  const name = NAMES[short]
  return name === undefined ? short : `${short} ${name}`
}
