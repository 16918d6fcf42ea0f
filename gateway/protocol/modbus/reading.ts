import { multiplyDecimals, roundDecimal, wholeSteps } from '../../codec/decimal.js'
import type { ReadMessage } from '../protocol.js'
import { type Block, sizeOf } from './blocks.js'
import type { Pdu } from './pdu.js'
import type { Register } from './register-schema.js'
import { readValue, valueBytes, writeValue } from './register-value.js'

/** What a decimal of an event can hold. */
const MOST_DECIMALS = 9
const EVENT_DECIMAL = /^-?\d{1,15}(\.\d{1,9})?$/
const IMPLAUSIBLE = 'implausible value'

/** What the registers of a block say: a reading of each, or that it is at fault. */
export function readBlock(block: Block, reply: Pdu): readonly ReadMessage[] {
  return block.registers.map(register => {
    const at = register.address - block.address
    if (reply.type === 'bits') return readingOf(register, reply.bits[at] === true ? '1' : '0')
    const words = reply.type === 'registers' ? reply.registers : []
    return readRegister(register, words.slice(at, at + sizeOf(register)))
  })
}

function readRegister(register: Register, words: readonly number[]): ReadMessage {
  const { type, wordOrder, scale, decimals = MOST_DECIMALS, faults } = register
  const fault = faults[words.map(word => word.toString(16).padStart(4, '0')).join('')]
  if (fault !== undefined) return faultOf(register, fault)
  if (type === 'bit') return faultOf(register, IMPLAUSIBLE)
  const value = readValue(valueBytes(words, wordOrder), type)
  if (!value.ok) return faultOf(register, IMPLAUSIBLE)
  const quantity = roundDecimal(multiplyDecimals(value.value, String(scale)), decimals)
  const isPlausible =
    EVENT_DECIMAL.test(quantity) &&
    Number(quantity) >= (register.least ?? Number.NEGATIVE_INFINITY) &&
    Number(quantity) <= (register.most ?? Number.POSITIVE_INFINITY)
  return isPlausible ? readingOf(register, quantity) : faultOf(register, IMPLAUSIBLE)
}

function readingOf(register: Register, quantity: string): ReadMessage {
  return { name: 'reading', fields: { register: register.name, quantity, unit: register.unit } }
}

function faultOf(register: Register, fault: string): ReadMessage {
  return { name: 'reading', fields: { register: register.name, unit: register.unit, fault } }
}

/**
 * What makes a device set this register to this quantity. @throws RangeError where it may not be
 * set, not to this, or not so finely.
 */
export function writeRequest(register: Register, quantity: string): Pdu {
  const { name, address, type, wordOrder, scale, write } = register
  if (write === undefined) throw new RangeError(`${name} is not declared as writable`)
  const isWithin = Number(quantity) >= write.least && Number(quantity) <= write.most
  if (!EVENT_DECIMAL.test(quantity) || !isWithin)
    throw new RangeError(`${name} takes ${write.least} to ${write.most}`)
  if (type === 'bit')
    return { type: 'one', function: 5, address, value: quantity === '0' ? 0 : 0xff00 }
  const registers = encodeQuantity({ type, wordOrder, scale, name }, quantity)
  const [only = 0, ...more] = registers
  return write.function === 6 && more.length === 0
    ? { type: 'one', function: 6, address, value: only }
    : { type: 'write-registers', function: 16, address, count: registers.length, registers }
}

/** The registers that hold a quantity. @throws RangeError where they cannot. */
export function encodeQuantity(
  register: Pick<Register, 'wordOrder' | 'scale' | 'name'> & {
    readonly type: Exclude<Register['type'], 'bit'>
  },
  quantity: string,
): readonly number[] {
  const { type, wordOrder, scale, name } = register
  if (type.startsWith('float')) return writeValue(Number(quantity) / scale, { type, wordOrder })
  const steps = wholeSteps(quantity, String(scale))
  if (steps === undefined) throw new RangeError(`${name} is set in steps of ${scale}`)
  return writeValue(steps, { type, wordOrder })
}

/** As a dialect writes the values that mean a fault. */
export function faultWords(register: Register, fault: string): readonly number[] {
  const raw = Object.entries(register.faults).find(([, meaning]) => meaning === fault)?.[0]
  if (raw === undefined) throw new RangeError(`${register.name} has no fault ${fault}`)
  return Array.from({ length: raw.length / 4 }, (_, at) =>
    Number.parseInt(raw.slice(at * 4, at * 4 + 4), 16),
  )
}

export function exceptionText(code: number): string {
  return EXCEPTIONS[code] ?? `exception ${code}`
}

/** MODBUS Application Protocol V1.1b3, chapter 7. */
const EXCEPTIONS: Readonly<Record<number, string>> = {
  1: 'it has no such function',
  2: 'it has no such register',
  3: 'it does not take this value',
  4: 'the device failed',
  5: 'it has begun and takes longer',
  6: 'it is busy',
  8: 'its memory is damaged',
  10: 'the gateway has no path to it',
  11: 'the device behind the gateway does not answer',
}
