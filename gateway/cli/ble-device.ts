import type { Heard } from '../line/transport/bluez/nearby.js'
import { shortUuid } from '../line/transport/bluez/selector.js'
import { printable } from './printable.js'

/** A device near us, as a technician reads it. */
export function deviceLine({ device, rssiDbm }: Heard): string {
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
    ...(UUIDs.some(uuid => shortUuid(uuid) === '181A') ? ['ble/environmental-sensor'] : []),
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
  '2A29': 'manufacturer name',
  '2A9D': 'weight measurement',
}

export function named(uuid: string): string {
  if (uuid === NUS) return 'Nordic UART'
  const short = shortUuid(uuid)
  if (short === undefined) return uuid
  const name = NAMES[short]
  return name === undefined ? short : `${short} ${name}`
}
