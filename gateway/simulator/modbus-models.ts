import type { Random } from '../core/random.js'
import { writeValue } from '../protocol/modbus/register-value.js'
import { type ModbusMemory, plainMemory } from './modbus-device.js'

const FLOAT = { type: 'float32', wordOrder: 'big' } as const
/** Where an Eastron meter keeps what is asked of it (firmware-profiles/eastron/sdm). */
const METER = { voltage: 0, current: 6, power: 12, frequency: 70, energy: 342 } as const
const CABINET = 256
const PROBE_CUT = 0x7fff

/** An energy meter: what it draws changes with each look, and its energy grows by it. */
export function meterMemory(random: Random): ModbusMemory {
  const registers = new Map<number, number>()
  const put = (address: number, value: number): void => {
    for (const [at, word] of writeValue(value, FLOAT).entries()) registers.set(address + at, word)
  }
  let energy = 1000
  put(METER.frequency, 50)
  put(METER.energy, energy)
  const memory = plainMemory(registers)
  return {
    ...memory,
    read: (code, address) => {
      if (address === METER.voltage) {
        const [volt, ampere] = [225 + 10 * random.unit(), 10 * random.unit()]
        energy += ampere / 1000
        put(METER.voltage, volt)
        put(METER.current, ampere)
        put(METER.power, volt * ampere)
        put(METER.energy, energy)
      }
      return memory.read(code, address)
    },
  }
}

/** The controller of a cold room around 4 degrees; now and then its probe has no contact. */
export function coldRoomMemory(random: Random): ModbusMemory {
  const registers = new Map([
    [CABINET, 40],
    [258, -50 & 0xffff],
    [768, 40],
  ])
  const bits = new Map([
    [0, 0],
    [16, 0],
  ])
  const memory = plainMemory(registers, bits)
  return {
    ...memory,
    read: (code, address) => {
      const isCut = random.unit() < 0.01
      if (address === CABINET)
        registers.set(CABINET, isCut ? PROBE_CUT : 35 + Math.floor(10 * random.unit()))
      return memory.read(code, address)
    },
  }
}
