/** A number of a fixed length, low byte first. */
export interface BthomeNumber {
  readonly name: string
  readonly bytes: number
  readonly signed: boolean
  readonly factor: number
  readonly decimals: number
}

/** By object id. Source: bthome.io/format, Bluetooth-Devices/bthome-ble (MIT). */
export const BTHOME_NUMBERS: Readonly<Record<number, BthomeNumber>> = {
  0: { name: 'packet_id', bytes: 1, signed: false, factor: 1, decimals: 0 },
  1: { name: 'battery', bytes: 1, signed: false, factor: 1, decimals: 0 },
  2: { name: 'temperature', bytes: 2, signed: true, factor: 0.01, decimals: 2 },
  3: { name: 'humidity', bytes: 2, signed: false, factor: 0.01, decimals: 2 },
  4: { name: 'pressure', bytes: 3, signed: false, factor: 0.01, decimals: 2 },
  5: { name: 'illuminance', bytes: 3, signed: false, factor: 0.01, decimals: 2 },
  6: { name: 'mass', bytes: 2, signed: false, factor: 0.01, decimals: 2 },
  7: { name: 'mass', bytes: 2, signed: false, factor: 0.01, decimals: 2 },
  8: { name: 'dew_point', bytes: 2, signed: true, factor: 0.01, decimals: 2 },
  9: { name: 'count', bytes: 1, signed: false, factor: 1, decimals: 0 },
  10: { name: 'energy', bytes: 3, signed: false, factor: 0.001, decimals: 3 },
  11: { name: 'power', bytes: 3, signed: false, factor: 0.01, decimals: 2 },
  12: { name: 'voltage', bytes: 2, signed: false, factor: 0.001, decimals: 3 },
  13: { name: 'pm25', bytes: 2, signed: false, factor: 1, decimals: 0 },
  14: { name: 'pm10', bytes: 2, signed: false, factor: 1, decimals: 0 },
  18: { name: 'co2', bytes: 2, signed: false, factor: 1, decimals: 0 },
  19: { name: 'voc', bytes: 2, signed: false, factor: 1, decimals: 0 },
  20: { name: 'moisture', bytes: 2, signed: false, factor: 0.01, decimals: 2 },
  46: { name: 'humidity', bytes: 1, signed: false, factor: 1, decimals: 0 },
  47: { name: 'moisture', bytes: 1, signed: false, factor: 1, decimals: 0 },
  61: { name: 'count', bytes: 2, signed: false, factor: 1, decimals: 0 },
  62: { name: 'count', bytes: 4, signed: false, factor: 1, decimals: 0 },
  63: { name: 'rotation', bytes: 2, signed: true, factor: 0.1, decimals: 1 },
  64: { name: 'distance', bytes: 2, signed: false, factor: 1, decimals: 0 },
  65: { name: 'distance', bytes: 2, signed: false, factor: 0.1, decimals: 1 },
  66: { name: 'duration', bytes: 3, signed: false, factor: 0.001, decimals: 3 },
  67: { name: 'current', bytes: 2, signed: false, factor: 0.001, decimals: 3 },
  68: { name: 'speed', bytes: 2, signed: false, factor: 0.01, decimals: 2 },
  69: { name: 'temperature', bytes: 2, signed: true, factor: 0.1, decimals: 1 },
  70: { name: 'uv_index', bytes: 1, signed: false, factor: 0.1, decimals: 1 },
  71: { name: 'volume', bytes: 2, signed: false, factor: 0.1, decimals: 1 },
  72: { name: 'volume', bytes: 2, signed: false, factor: 1, decimals: 0 },
  73: { name: 'volume_flow_rate', bytes: 2, signed: false, factor: 0.001, decimals: 3 },
  74: { name: 'voltage', bytes: 2, signed: false, factor: 0.1, decimals: 1 },
  75: { name: 'gas', bytes: 3, signed: false, factor: 0.001, decimals: 3 },
  76: { name: 'gas', bytes: 4, signed: false, factor: 0.001, decimals: 3 },
  77: { name: 'energy', bytes: 4, signed: false, factor: 0.001, decimals: 3 },
  78: { name: 'volume', bytes: 4, signed: false, factor: 0.001, decimals: 3 },
  79: { name: 'water', bytes: 4, signed: false, factor: 0.001, decimals: 3 },
  81: { name: 'acceleration', bytes: 2, signed: false, factor: 0.001, decimals: 3 },
  82: { name: 'gyroscope', bytes: 2, signed: false, factor: 0.001, decimals: 3 },
  85: { name: 'volume_storage', bytes: 4, signed: false, factor: 0.001, decimals: 3 },
  86: { name: 'conductivity', bytes: 2, signed: false, factor: 1, decimals: 0 },
  87: { name: 'temperature', bytes: 1, signed: true, factor: 1, decimals: 0 },
  88: { name: 'temperature', bytes: 1, signed: true, factor: 0.35, decimals: 1 },
  89: { name: 'count', bytes: 1, signed: true, factor: 1, decimals: 0 },
  90: { name: 'count', bytes: 2, signed: true, factor: 1, decimals: 0 },
  91: { name: 'count', bytes: 4, signed: true, factor: 1, decimals: 0 },
  92: { name: 'power', bytes: 4, signed: true, factor: 0.01, decimals: 2 },
  93: { name: 'current', bytes: 2, signed: true, factor: 0.001, decimals: 3 },
  94: { name: 'direction', bytes: 2, signed: false, factor: 0.01, decimals: 2 },
  95: { name: 'precipitation', bytes: 2, signed: false, factor: 0.1, decimals: 1 },
  96: { name: 'channel', bytes: 1, signed: false, factor: 1, decimals: 0 },
  97: { name: 'rotational_speed', bytes: 2, signed: false, factor: 1, decimals: 0 },
  98: { name: 'speed', bytes: 4, signed: true, factor: 1e-6, decimals: 6 },
  99: { name: 'acceleration', bytes: 4, signed: true, factor: 1e-6, decimals: 6 },
  100: { name: 'light_level', bytes: 1, signed: false, factor: 1, decimals: 0 },
}

/** One byte, 0 or 1. */
export const BTHOME_BINARY: Readonly<Record<number, string>> = {
  15: 'generic',
  16: 'power',
  17: 'opening',
  21: 'battery',
  22: 'battery_charging',
  23: 'carbon_monoxide',
  24: 'cold',
  25: 'connectivity',
  26: 'door',
  27: 'garage_door',
  28: 'gas',
  29: 'heat',
  30: 'light',
  31: 'lock',
  32: 'moisture',
  33: 'motion',
  34: 'moving',
  35: 'occupancy',
  36: 'plug',
  37: 'presence',
  38: 'problem',
  39: 'running',
  40: 'safety',
  41: 'smoke',
  42: 'sound',
  43: 'tamper',
  44: 'vibration',
  45: 'window',
}

/** What a button says; 0 is nothing. */
export const BTHOME_BUTTON: Readonly<Record<number, string>> = {
  1: 'press',
  2: 'double_press',
  3: 'triple_press',
  4: 'long_press',
  5: 'long_double_press',
  6: 'long_triple_press',
  128: 'hold_press',
}

export const BTHOME_DIMMER: Readonly<Record<number, string>> = {
  1: 'rotate_left',
  2: 'rotate_right',
}
