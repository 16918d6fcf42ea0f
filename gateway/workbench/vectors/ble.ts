import { fromHex, toHex } from '../../core/bytes.js'
import { adStructures, manufacturerData } from '../../protocol/ble/advertisement.js'
import {
  type BthomeHeard,
  type BthomeKey,
  type BthomePacket,
  heardAnew,
  readBthome,
} from '../../protocol/ble/bthome.js'
import { CHARACTERISTICS } from '../../protocol/ble/characteristics.js'
import { RUUVI_COMPANY, readRuuvi } from '../../protocol/ble/ruuvi.js'
import { type Adapter, type Observed, Spellings } from './adapter.js'
import type { Vector } from './vector.js'

const ruuvi: Adapter = ({ hex }) => {
  const read = readRuuvi(fromHex(hex))
  return read.ok ? read.value : { ok: false, error: read.error }
}

/**
 * As HCI gives it: a length, the structures, and one byte of signal strength behind them, which the
 * source counts to format 5.
 */
const ruuviAdvertisement: Adapter = ({ hex }) => {
  const bytes = fromHex(hex)
  const end = 1 + (bytes[0] ?? 0)
  const structures = end > bytes.length ? [] : adStructures(bytes.subarray(1, end))
  const data = manufacturerData(structures, RUUVI_COMPANY)
  const format = data?.[0]
  const nothing = new Spellings(null, '')
  if (data === undefined || format === undefined)
    return { ok: false, error: 'nothing of Ruuvi', data_format: null, payload_hex: nothing }
  const read = readRuuvi(data)
  return {
    data_format: format === 0xe1 ? 'E1' : format,
    payload_hex: toHex(data) + (format === 5 ? toHex(bytes.subarray(end)) : ''),
    ...(read.ok ? read.value : {}),
  }
}

/** Names beside those of the format: vectors take them from the constants of their source. */
const ALSO: Readonly<Record<string, string>> = {
  co2: 'carbon_dioxide',
  voc: 'volatile_organic_compounds',
  generic: 'binary_generic',
  opening: 'binary_opening',
  motion: 'binary_motion',
  power: 'binary_power',
  window: 'binary_window',
}

const bthome: Adapter = vector => {
  const key = keyOf(vector)
  const packets = (vector.chunks ?? [vector.hex]).map(hex => readBthome(fromHex(hex), key))
  const [first] = packets
  if (first === undefined || !first.ok)
    return { ok: false, error: first?.ok === false ? first.error : 'empty', sensors: {} }
  const good = packets.flatMap(packet => (packet.ok ? [packet.value] : []))
  const news = newsOf(good)
  const last = good.filter((_, at) => news[at]?.isNew).at(-1) ?? first.value
  return {
    ok: true,
    ...objectsOf(last),
    sleepy: last.isTriggered,
    counter: last.counter,
    // As each packet has it, or as it stands behind each.
    counters: new Spellings(
      good.map(({ counter }) => counter),
      news.map(({ heard }) => heard.counter),
    ),
    accepted: news.map(({ isNew }) => isNew),
  }
}

/** With the service's UUID before it. */
const bthomeEncrypted: Adapter = ({ hex, ...vector }) =>
  bthome({ ...vector, hex: hex.replace(/^d2fc/i, '') })

function keyOf({ bindkey, address }: Pick<Vector, 'bindkey' | 'address'>): BthomeKey | undefined {
  if (bindkey === undefined) return undefined
  return { bindKey: fromHex(bindkey), address: address ?? '' }
}

function objectsOf({ objects }: BthomePacket): Observed {
  const named = (kind: string): Observed =>
    Object.fromEntries(
      objects
        .filter(object => object.kind === kind)
        .flatMap(({ name, value }) => {
          const other = ALSO[name]
          const isSame = other === undefined || (kind === 'sensor') === other.startsWith('binary_')
          return isSame
            ? [[name, value]]
            : [
                [name, value],
                [other, value],
              ]
        }),
    )
  const steps = objects.find(object => object.steps !== undefined)?.steps
  return { sensors: named('sensor'), binary: named('binary'), events: named('event'), steps }
}

function newsOf(
  packets: readonly BthomePacket[],
): readonly { readonly isNew: boolean; readonly heard: BthomeHeard }[] {
  let heard: BthomeHeard = {}
  return packets.map(packet => {
    const anew = heardAnew(heard, { packet, atMs: 0 })
    heard = anew ?? heard
    return { isNew: anew !== undefined, heard }
  })
}

const NAMES: Readonly<Record<string, string>> = {
  '2A19': 'battery level',
  '2A24': 'model number',
  '2A25': 'serial number',
  '2A26': 'firmware revision',
  '2A27': 'hardware revision',
  '2A28': 'software revision',
  '2A29': 'manufacturer name',
  '2A6C': 'elevation',
  '2A6D': 'pressure',
  '2A6E': 'temperature',
  '2A6F': 'humidity',
  '2A76': 'uv index',
  '2A77': 'irradiance',
  '2A78': 'rainfall',
  '2A7B': 'dew point',
  '2A9D': 'weight measurement',
  '2AFB': 'illuminance',
}

function characteristics(): Readonly<Record<string, Adapter>> {
  const adapters = Object.entries(CHARACTERISTICS).map(([number, read]) => {
    const adapter: Adapter = ({ hex }) => {
      const values = read(fromHex(hex))
      return values.ok ? values.value : { ok: false, error: values.error }
    }
    return [`${number} ${NAMES[number] ?? ''}`, adapter] as const
  })
  return Object.fromEntries(adapters)
}

/** Bluetooth sensors, by the names that vectors give their protocols. */
export const BLE: Readonly<Record<string, Adapter>> = {
  'ruuvi-df3': ruuvi,
  'ruuvi-df5': ruuvi,
  'ruuvi-df6': ruuvi,
  'ruuvi-dfe1': ruuvi,
  'ruuvi-adv': ruuviAdvertisement,
  'bthome-v2-service-data': bthome,
  'bthome-v2-encrypted': bthomeEncrypted,
  ...characteristics(),
}
