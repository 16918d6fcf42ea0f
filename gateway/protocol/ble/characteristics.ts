import { ByteReader, utf8Of } from '../../core/bytes.js'
import { fail, ok, type Result } from '../../core/result.js'
import { rounded } from './ruuvi.js'

/** What a characteristic says; null is its own word for a value that is not known. */
export type CharacteristicValues = Readonly<Record<string, number | string | null>>

type Reading = Result<CharacteristicValues, string>

/** Characteristics of the Bluetooth SIG, by their number. */
export const CHARACTERISTICS: Readonly<Record<string, (bytes: Uint8Array) => Reading>> = {
  '2A19': bytes => exactly(bytes, 1, readBattery),
  '2A24': readText,
  '2A25': readText,
  '2A26': readText,
  '2A27': readText,
  '2A28': readText,
  '2A29': readText,
  '2A6C': number({ key: 'meters', bytes: 3, signed: true, decimals: 2 }),
  '2A6D': number({ key: 'pascal', bytes: 4, decimals: 1 }),
  '2A6E': bytes => exactly(bytes, 2, readTemperature),
  '2A6F': bytes => exactly(bytes, 2, readHumidity),
  '2A76': number({ key: 'index', bytes: 1, decimals: 0 }),
  '2A77': number({ key: 'watts_per_m2', bytes: 2, decimals: 1 }),
  '2A78': number({ key: 'mm', bytes: 2, decimals: 0 }),
  '2A7B': number({ key: 'celsius', bytes: 1, signed: true, decimals: 0 }),
  '2A9D': readWeight,
  '2AFB': number({ key: 'lux', bytes: 3, decimals: 2, unknown: 0xff_ffff }),
}

/** A number of a fixed length, low byte first, in steps of its last decimal. */
function number(one: {
  readonly key: string
  readonly bytes: number
  readonly decimals: number
  readonly signed?: boolean
  readonly unknown?: number
}): (bytes: Uint8Array) => Reading {
  const { key, bytes: size, decimals, signed = false, unknown } = one
  return bytes =>
    exactly(bytes, size, reader => {
      const raw = reader.uintLE(size)
      const value = signed && raw >= 2 ** (8 * size - 1) ? raw - 2 ** (8 * size) : raw
      return ok({ [key]: raw === unknown ? null : rounded(value / 10 ** decimals, decimals) })
    })
}

function exactly(bytes: Uint8Array, size: number, read: (reader: ByteReader) => Reading): Reading {
  return bytes.length === size ? read(new ByteReader(bytes)) : fail(`expected ${size} bytes`)
}

function readText(bytes: Uint8Array): Reading {
  const text = utf8Of(bytes)
  return text === undefined ? fail('no UTF-8') : ok({ text: text.replace(/\0+$/, '') })
}

function readBattery(reader: ByteReader): Reading {
  const percent = reader.uintLE(1)
  return percent > 100 ? fail('more than 100 percent') : ok({ percent })
}

const ABSOLUTE_ZERO = -273.15

function readTemperature(reader: ByteReader): Reading {
  const value = reader.uintLE(2)
  if (value === 0x8000) return ok({ celsius: null })
  const celsius = rounded((value >= 0x8000 ? value - 0x10000 : value) / 100, 2)
  return celsius < ABSOLUTE_ZERO ? fail('below the absolute zero') : ok({ celsius })
}

function readHumidity(reader: ByteReader): Reading {
  const value = reader.uintLE(2)
  if (value === 0xffff) return ok({ percent: null })
  return value > 10_000 ? fail('more than 100 percent') : ok({ percent: rounded(value / 100, 2) })
}

const POUNDS = 0x01
const WITH_TIME = 0x02
const WITH_USER = 0x04
const WITH_BMI = 0x08
const WITH_HEIGHT = 0x10
const UNSUCCESSFUL = 0xffff

/** Weight Scale Service 1.0: flags, weight, and what the flags announce. */
function readWeight(bytes: Uint8Array): Reading {
  const reader = new ByteReader(bytes)
  try {
    const flags = reader.uintLE(1)
    const inPounds = (flags & POUNDS) !== 0
    const raw = reader.uintLE(2)
    const weight = raw === UNSUCCESSFUL ? null : rounded(raw * (inPounds ? 0.01 : 0.005), 3)
    const values = {
      weight,
      unit: inPounds ? 'lb' : 'kg',
      ...((flags & WITH_TIME) === 0 ? {} : { timestamp: readTime(reader) }),
      ...((flags & WITH_USER) === 0 ? {} : { user_id: reader.uintLE(1) }),
      ...((flags & WITH_BMI) === 0 ? {} : { bmi: rounded(reader.uintLE(2) / 10, 1) }),
      ...readHeight(reader, { flags, inInches: inPounds }),
    }
    return reader.remaining === 0 ? ok(values) : fail('longer than its flags say')
  } catch (thrown) {
    if (thrown instanceof RangeError) return fail('shorter than its flags say')
    throw thrown
  }
}

/** Bit 3 stands for both in the specification; some scales say the height with a bit of its own. */
function readHeight(
  reader: ByteReader,
  { flags, inInches }: { readonly flags: number; readonly inInches: boolean },
): CharacteristicValues {
  const isThere = (flags & WITH_HEIGHT) !== 0 || ((flags & WITH_BMI) !== 0 && reader.remaining > 0)
  if (!isThere) return {}
  const height = rounded(reader.uintLE(2) * (inInches ? 0.1 : 0.001), 3)
  return { height, height_unit: inInches ? 'in' : 'm' }
}

function readTime(reader: ByteReader): string {
  const digits = (size: number): string => String(reader.uintLE(size)).padStart(2 * size, '0')
  const [year, month, day] = [digits(2), digits(1), digits(1)]
  return `${year}-${month}-${day}T${digits(1)}:${digits(1)}:${digits(1)}`
}
