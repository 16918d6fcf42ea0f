import { ByteReader, toHex } from '../../core/bytes.js'
import { fail, ok, type Result } from '../../core/result.js'

/** Ruuvi Innovations, as Bluetooth numbers it. */
export const RUUVI_COMPANY = 0x0499

/** A value that the sensor did not measure is null. */
export type RuuviValues = Readonly<Record<string, number | string | boolean | null>>

const LENGTHS: Readonly<Record<number, number>> = { 3: 14, 5: 24, 6: 20, 225: 40 }

/**
 * Data formats 3, 5, 6 and E1, from their first byte; what a receiver adds behind them is not read.
 * Source: docs.ruuvi.com.
 */
export function readRuuvi(payload: Uint8Array): Result<RuuviValues, string> {
  const [format = -1] = payload
  const length = LENGTHS[format]
  if (length === undefined) return fail(`no data format ${format}`)
  if (payload.length < length) return fail(`expected ${length} bytes`)
  const reader = new ByteReader(payload.subarray(1))
  switch (format) {
    case 3:
      return ok(format3(reader))
    case 5:
      return ok(format5(reader))
    case 6:
      return ok(format6(reader))
    default:
      return ok(formatE1(reader))
  }
}

function format3(reader: ByteReader): RuuviValues {
  const humidity = reader.uintBE(1) / 2
  const whole = reader.uintBE(1)
  const hundredths = reader.uintBE(1)
  const sign = whole >= 0x80 ? -1 : 1
  return {
    data_format: 3,
    humidity_pct: humidity,
    temperature_c: rounded(sign * ((whole & 0x7f) + hundredths / 100), 2),
    pressure_hpa: rounded((reader.uintBE(2) + 50_000) / 100, 2),
    acc_x_mg: signed(reader, 2),
    acc_y_mg: signed(reader, 2),
    acc_z_mg: signed(reader, 2),
    battery_mv: reader.uintBE(2),
  }
}

function format5(reader: ByteReader): RuuviValues {
  const temperature = scaled(signed(reader, 2), { invalid: -0x8000, factor: 0.005, decimals: 3 })
  const humidity = scaled(reader.uintBE(2), { invalid: 0xffff, factor: 0.0025, decimals: 4 })
  const pressure = orNull(reader.uintBE(2), 0xffff)
  const axis = (): number | null =>
    scaled(signed(reader, 2), { invalid: -0x8000, factor: 0.001, decimals: 3 })
  const [x, y, z] = [axis(), axis(), axis()]
  const power = reader.uintBE(2)
  const [battery, txPower] = [power >>> 5, power & 0x1f]
  const movements = orNull(reader.uintBE(1), 0xff)
  const sequence = orNull(reader.uintBE(2), 0xffff)
  const mac = reader.take(6)
  return {
    data_format: 5,
    temperature_c: temperature,
    humidity_pct: humidity,
    pressure_pa: pressure === null ? null : pressure + 50_000,
    acc_x_g: x,
    acc_y_g: y,
    acc_z_g: z,
    battery_v: battery === 0x7ff ? null : rounded((battery + 1600) / 1000, 3),
    tx_power_dbm: txPower === 0x1f ? null : txPower * 2 - 40,
    movement_counter: movements,
    sequence,
    mac: mac.every(byte => byte === 0xff) ? null : macOf(mac),
  }
}

function format6(reader: ByteReader): RuuviValues {
  const climate = climateOf(reader)
  const particles = particlesOf(reader)
  const co2 = orNull(reader.uintBE(2), 0xffff)
  const [voc, nox, light] = [reader.uintBE(1), reader.uintBE(1), reader.uintBE(1)]
  reader.take(1)
  const sequence = reader.uintBE(1)
  const flags = reader.uintBE(1)
  return {
    data_format: 6,
    ...climate,
    pm2_5: particles,
    co2,
    ...gasesOf({ voc, nox, flags }),
    luminosity: light === 0xff ? null : rounded(65_536 ** (light / 254) - 1, 2),
    sequence,
    mac_tail: toHex(reader.take(3)),
  }
}

/** Of an extended advertisement: all that format 6 has no room for, too. */
function formatE1(reader: ByteReader): RuuviValues {
  const climate = climateOf(reader)
  const [pm1, pm2, pm4, pm10] = [1, 2, 3, 4].map(() => particlesOf(reader))
  const co2 = orNull(reader.uintBE(2), 0xffff)
  const [voc, nox] = [reader.uintBE(1), reader.uintBE(1)]
  const light = reader.uintBE(3)
  reader.take(3)
  const sequence = orNull(reader.uintBE(3), 0xff_ffff)
  const flags = reader.uintBE(1)
  reader.take(5)
  return {
    data_format: 'E1',
    ...climate,
    pm1_0: pm1 ?? null,
    pm2_5: pm2 ?? null,
    pm4_0: pm4 ?? null,
    pm10_0: pm10 ?? null,
    co2,
    ...gasesOf({ voc, nox, flags }),
    luminosity: scaled(light, { invalid: 0xff_ffff, factor: 0.01, decimals: 2 }),
    sequence,
    mac: macOf(reader.take(6)),
  }
}

function climateOf(reader: ByteReader): RuuviValues {
  const temperature = scaled(signed(reader, 2), { invalid: -0x8000, factor: 0.005, decimals: 3 })
  const humidity = scaled(reader.uintBE(2), { invalid: 0xffff, factor: 0.0025, decimals: 4 })
  const pressure = orNull(reader.uintBE(2), 0xffff)
  return {
    temperature_c: temperature,
    humidity_pct: humidity,
    pressure_hpa: pressure === null ? null : rounded((pressure + 50_000) / 100, 2),
  }
}

function particlesOf(reader: ByteReader): number | null {
  return scaled(reader.uintBE(2), { invalid: 0xffff, factor: 0.1, decimals: 1 })
}

/** Nine bits: the lowest of each stands among the flags. */
function gasesOf(one: {
  readonly voc: number
  readonly nox: number
  readonly flags: number
}): RuuviValues {
  const { voc, nox, flags } = one
  return {
    voc: orNull((voc << 1) | ((flags >>> 6) & 1), 0x1ff),
    nox: orNull((nox << 1) | (flags >>> 7), 0x1ff),
    calibrating: (flags & 1) !== 0,
  }
}

/** Two's complement. */
function signed(reader: ByteReader, size: number): number {
  const value = reader.uintBE(size)
  return value >= 2 ** (8 * size - 1) ? value - 2 ** (8 * size) : value
}

function orNull(value: number, invalid: number): number | null {
  return value === invalid ? null : value
}

function scaled(
  value: number,
  scale: { readonly invalid: number; readonly factor: number; readonly decimals: number },
): number | null {
  return value === scale.invalid ? null : rounded(value * scale.factor, scale.decimals)
}

export function rounded(value: number, decimals: number): number {
  return Number(value.toFixed(decimals))
}

function macOf(bytes: Uint8Array): string {
  return (toHex(bytes).match(/../g) ?? []).join(':').toUpperCase()
}
