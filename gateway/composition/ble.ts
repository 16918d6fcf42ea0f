import type { BleLine } from '../config/ble.js'
import { systemClock } from '../core/clock.js'
import { BleAdvertisement } from '../line/transport/ble-advertisement.js'
import { BleGatt, type BleGattOptions } from '../line/transport/ble-gatt.js'
import type { BleRadio } from '../line/transport/bluez/ble-radio.js'
import { fullUuid } from '../line/transport/bluez/selector.js'
import type { Transport } from '../line/transport/transport.js'

/** A sensor that only advertises, and was not heard for so long, is lost. */
const SENSOR_SILENT_MS = 5 * 60_000

/** A terminal on the shop's radio, as the shop says it. */
export function createBleTransport(line: BleLine, radio: BleRadio): Transport {
  const { address, name, service, bonded, pairing, silentAfterMs } = line
  const selector = {
    ...(address === undefined ? {} : { address }),
    ...(name === undefined ? {} : { name }),
    ...(service === undefined ? {} : { service: fullUuid(service) }),
    ...(bonded === undefined ? {} : { bonded }),
  }
  const common = { radio, selector, clock: systemClock }
  if (line.advertisement === true)
    return new BleAdvertisement({ ...common, silentAfterMs: silentAfterMs ?? SENSOR_SILENT_MS })
  return new BleGatt({
    ...common,
    pairing,
    content: contentOf(line),
    ...(silentAfterMs === undefined ? {} : { silentAfterMs }),
  })
}

function contentOf({ characteristics, readEveryMs, serial }: BleLine): BleGattOptions['content'] {
  if (characteristics !== undefined) return { type: 'values', characteristics, readEveryMs }
  const { service, notify, write } = serial
  return {
    type: 'serial',
    service: fullUuid(service),
    notify: fullUuid(notify),
    write: fullUuid(write),
  }
}
