import { z } from 'zod'
import { fromHex } from '../../core/bytes.js'
import { fail } from '../../core/result.js'
import {
  type MessageOutline,
  oneMessage,
  type Protocol,
  type Reading,
  type ReadMessage,
} from '../protocol.js'
import { adStructures, manufacturerData } from './advertisement.js'
import { type BthomeHeard, type BthomePacket, heardAnew, PACKET_ID, readBthome } from './bthome.js'
import { AdvertisementFramer } from './record-framer.js'
import { RUUVI_COMPANY, readRuuvi } from './ruuvi.js'
import { SensorLink } from './sensor-link.js'

const everyMs = z.int().min(1000).max(3_600_000).default(60_000)

export const ruuviSchema = z.strictObject({ type: z.literal('ruuvi'), everyMs })
export const bthomeSchema = z.strictObject({
  type: z.literal('bthome'),
  everyMs,
  /** Of one sensor that encrypts: its key, and its address. The shop's configuration gives it. */
  key: z
    .strictObject({
      bindKey: z.string().regex(/^[0-9a-f]{32}$/i),
      address: z.string().regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i),
    })
    .exactOptional(),
})

/** What every sensor says: one message for each value. */
export const READING: MessageOutline = {
  name: 'reading',
  fields: [
    { name: 'register', type: 'text' },
    { name: 'value', type: 'decimal' },
    { name: 'unit', type: 'text' },
  ],
}

export function readingOf(register: string, value: number, unit: string): ReadMessage {
  return { name: READING.name, fields: { register, value: String(value), unit } }
}

/** What of a RuuviTag goes to HQ, by the names that its formats have for it. */
const RUUVI: Readonly<Record<string, readonly [register: string, unit: string]>> = {
  temperature_c: ['temperature', '°C'],
  humidity_pct: ['humidity', '%'],
  pressure_pa: ['pressure', 'Pa'],
  pressure_hpa: ['pressure', 'hPa'],
  battery_v: ['battery', 'V'],
  battery_mv: ['battery', 'mV'],
  co2: ['co2', 'ppm'],
  pm1_0: ['pm1', 'µg/m³'],
  pm2_5: ['pm2.5', 'µg/m³'],
  pm4_0: ['pm4', 'µg/m³'],
  pm10_0: ['pm10', 'µg/m³'],
  voc: ['voc', 'index'],
  nox: ['nox', 'index'],
}

const NOTHING = 'nothing-measured'

/**
 * RuuviTag and Ruuvi Air, data formats 3, 5, 6 and E1; a value that was not measured is not said.
 */
export function ruuvi(options: z.output<typeof ruuviSchema>): Protocol {
  return {
    messages: [READING, { name: NOTHING, fields: [] }],
    link: new SensorLink({
      everyMs: options.everyMs,
      memory: undefined,
      sourceOf: () => 'tag',
      isHappening: () => false,
    }),
    createFramer: () => new AdvertisementFramer(),
    read: payload => {
      const data = manufacturerData(adStructures(payload), RUUVI_COMPANY)
      if (data === undefined) return refused('nothing of Ruuvi')
      const read = readRuuvi(data)
      if (!read.ok) return refused(read.error)
      const messages = Object.entries(RUUVI).flatMap(([key, [register, unit]]) => {
        const value = read.value[key]
        return typeof value === 'number' ? [readingOf(register, value, unit)] : []
      })
      return messages.length > 0 ? { type: 'messages', messages } : oneMessage(NOTHING, {})
    },
    encode: notWritten,
  }
}

function refused(issue: string): Reading {
  return { type: 'rejected', message: READING.name, issue }
}

/** Of the numbers of BTHome; one that is not here counts something. */
const UNITS: Readonly<Record<string, string>> = {
  battery: '%',
  temperature: '°C',
  humidity: '%',
  pressure: 'hPa',
  illuminance: 'lx',
  dew_point: '°C',
  energy: 'kWh',
  power: 'W',
  voltage: 'V',
  pm25: 'µg/m³',
  pm10: 'µg/m³',
  co2: 'ppm',
  voc: 'µg/m³',
  moisture: '%',
  rotation: '°',
  duration: 's',
  current: 'A',
  speed: 'm/s',
  volume: 'L',
  volume_storage: 'L',
  volume_flow_rate: 'm³/h',
  gas: 'm³',
  water: 'L',
  acceleration: 'm/s²',
  gyroscope: '°/s',
  conductivity: 'µS/cm',
  direction: '°',
  precipitation: 'mm',
  rotational_speed: 'rpm',
}

/** Two object ids of these have one name and different units, which only the id tells. */
const AMBIGUOUS: ReadonlySet<string> = new Set(['mass', 'distance', 'volume'])

const SERVICE_DATA = 0x16
const BTHOME_UUID = [0xd2, 0xfc] as const

const HAPPENED = 'happening'

/**
 * Sensors of BTHome version 2; encrypted ones with their key. A repeat is told by its packet id or
 * its counter. A binary sensor's value is 1 or 0; `register` numbers
 * the objects of which a packet has several. What happened (a button) is no reading.
 */
export function bthome({ everyMs, key }: z.output<typeof bthomeSchema>): Protocol {
  const read = (payload: Uint8Array): ReturnType<typeof readBthome> => {
    const data = bthomeData(payload)
    if (data === undefined) return fail('nothing of BTHome')
    return readBthome(data, key && { ...key, bindKey: fromHex(key.bindKey) })
  }
  return {
    messages: [READING, { name: HAPPENED, fields: [{ name: 'text', type: 'text' }] }],
    link: new SensorLink<BthomeHeard>({
      everyMs,
      memory: {},
      sourceOf: () => 'sensor',
      isHappening: payload => {
        const packet = read(payload)
        return packet.ok && packet.value.isTriggered
      },
      hear: (memory, { payload, atMs }) => {
        const packet = read(payload)
        // What cannot be read is for `read` to reject.
        if (!packet.ok) return { memory }
        const anew = heardAnew(memory, { packet: packet.value, atMs })
        return anew && { memory: anew }
      },
    }),
    createFramer: () => new AdvertisementFramer(),
    read: payload => readingsOf(read(payload)),
    encode: notWritten,
  }
}

function bthomeData(payload: Uint8Array): Uint8Array | undefined {
  const service = adStructures(payload).find(
    ({ type, data }) =>
      type === SERVICE_DATA && data[0] === BTHOME_UUID[0] && data[1] === BTHOME_UUID[1],
  )
  return service?.data.subarray(BTHOME_UUID.length)
}

function readingsOf(packet: ReturnType<typeof readBthome>): Reading {
  if (!packet.ok) return refused(packet.error)
  const objects = packet.value.objects.filter(({ name }) => name !== PACKET_ID)
  if (objects.length === 0) return refused('no object that is known')
  return { type: 'messages', messages: objects.map(messageOf) }
}

function messageOf({ kind, name, value }: BthomePacket['objects'][number]): ReadMessage {
  const base = name.replace(/_\d+$/, '')
  if (kind === 'binary') return readingOf(name, value === true ? 1 : 0, 'state')
  if (typeof value !== 'number') return { name: HAPPENED, fields: { text: `${name} ${value}` } }
  return readingOf(name, value, AMBIGUOUS.has(base) ? 'as sent' : (UNITS[base] ?? 'count'))
}

function notWritten(message: string): never {
  throw new RangeError(`nothing is written as ${message}: sensors only speak`)
}
