import { z } from 'zod'
import { concatBytes, toHex } from '../../core/bytes.js'
import type { MessageOutline, Protocol, Reading, ReadMessage } from '../protocol.js'
import { CHARACTERISTICS, type CharacteristicValues } from './characteristics.js'
import { CharacteristicFramer } from './record-framer.js'
import { SensorLink } from './sensor-link.js'
import { READING, readingOf } from './sensors.js'

export const bleValuesSchema = z.strictObject({
  type: z.literal('ble-values'),
  /** The same kind of value no oftener than this; a weight at once. */
  everyMs: z.int().min(1000).max(3_600_000).default(60_000),
})

const WEIGHT = '2A9D'

/** What each characteristic is called, the value that it has, and its unit. */
const NUMBERS: Readonly<Record<string, readonly [register: string, key: string, unit: string]>> = {
  '2A19': ['battery', 'percent', '%'],
  '2A6C': ['elevation', 'meters', 'm'],
  '2A6D': ['pressure', 'pascal', 'Pa'],
  '2A6E': ['temperature', 'celsius', '°C'],
  '2A6F': ['humidity', 'percent', '%'],
  '2A76': ['uv-index', 'index', 'index'],
  '2A77': ['irradiance', 'watts_per_m2', 'W/m²'],
  '2A78': ['rainfall', 'mm', 'mm'],
  '2A7B': ['dew-point', 'celsius', '°C'],
  '2AFB': ['illuminance', 'lux', 'lx'],
}

const MESSAGES: readonly MessageOutline[] = [
  {
    name: 'weight',
    fields: [
      { name: 'weight', type: 'decimal' },
      { name: 'unit', type: 'text' },
    ],
  },
  READING,
  { name: 'text', fields: [{ name: 'text', type: 'text' }] },
  { name: 'unknown-value', fields: [] },
]

/** Characteristics of the Bluetooth SIG: scales, sensors, batteries. */
export function bleValues({ everyMs }: z.output<typeof bleValuesSchema>): Protocol {
  return {
    messages: MESSAGES,
    link: new SensorLink({
      everyMs,
      memory: undefined,
      sourceOf: numberOf,
      isHappening: payload => numberOf(payload) === WEIGHT,
    }),
    createFramer: () => new CharacteristicFramer(Object.keys(CHARACTERISTICS)),
    read,
    encode,
  }
}

function numberOf(payload: Uint8Array): string {
  return toHex(payload.subarray(0, 2)).toUpperCase()
}

function read(payload: Uint8Array): Reading {
  const number = numberOf(payload)
  const message = number === WEIGHT ? 'weight' : READING.name
  const values = CHARACTERISTICS[number]?.(payload.subarray(2))
  if (values === undefined)
    return { type: 'rejected', message, issue: `no characteristic ${number}` }
  if (!values.ok) return { type: 'rejected', message, issue: `${number}: ${values.error}` }
  return { type: 'messages', messages: [messageOf(number, values.value)] }
}

function messageOf(number: string, values: CharacteristicValues): ReadMessage {
  const unknown: ReadMessage = { name: 'unknown-value', fields: {} }
  if (number === WEIGHT) {
    const { weight, unit } = values
    if (typeof weight !== 'number') return unknown
    return { name: 'weight', fields: { weight: String(weight), unit: String(unit) } }
  }
  const [register, key, unit] = NUMBERS[number] ?? []
  if (register === undefined || key === undefined || unit === undefined)
    return { name: 'text', fields: { text: String(values['text']) } }
  const value = values[key]
  return typeof value === 'number' ? readingOf(register, value, unit) : unknown
}

/** `weight` in kilograms, as a scale would indicate it. */
function encode(message: string, values: Readonly<Record<string, unknown>>): Uint8Array {
  if (message !== 'weight') throw new RangeError(`nothing is written as ${message}`)
  const steps = Math.round(Number(values['weight']) / 0.005)
  if (!(steps >= 0 && steps < 0xffff)) throw new RangeError('weight: expected up to 327.67 kg')
  const value = Uint8Array.of(0, steps & 0xff, steps >> 8)
  return concatBytes([Uint8Array.of(0x2a, 0x9d, value.length), value])
}
