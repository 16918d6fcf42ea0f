import { roundDecimal } from '../../codec/decimal.js'
import { ByteReader, fromHex, toHex } from '../../core/bytes.js'
import { checksum } from '../../line/checksum/catalog.js'
import type { Framer } from '../../line/framing/framer.js'
import { asciiLrc, crcBytes, openRtu } from '../../protocol/modbus/adu.js'
import { AsciiFramer } from '../../protocol/modbus/ascii-framer.js'
import { answers } from '../../protocol/modbus/blocks.js'
import { type Pdu, readPdu, unpackBits } from '../../protocol/modbus/pdu.js'
import type { Direction } from '../../protocol/modbus/pdu-size.js'
import {
  REGISTER_TYPES,
  type RegisterType,
  readValue,
  registersOf,
  valueBytes,
} from '../../protocol/modbus/register-value.js'
import { RtuFramer } from '../../protocol/modbus/rtu-framer.js'
import type { Adapter, Observed } from './adapter.js'
import { rareFields } from './modbus-rare.js'

/** Names of the specification's read codes (V1.1b3, 6.21). */
const READ_CODES = ['', 'basic', 'regular', 'extended', 'specific'] as const

const rtu: Adapter = ({ hex, chunks, direction, given }) => {
  const { request_hex: asked } = given
  const asks = directionOf(direction)
  const framer = new RtuFramer({ hears: asks === 'request' ? 'requests' : 'replies' })
  const frames = framesOf(framer, chunks ?? [hex])
  const [frame] = frames
  const all = frames.map(({ raw }) => toHex(raw))
  if (frame === undefined) return withoutFrame(fromHex(hex))
  const message = frame.payload
  return {
    crc_ok: true,
    ok: true,
    frames: all,
    frame_hex: toHex(frame.raw),
    ...questionOf(message, asked),
    ...observedMessage(message, asks),
  }
}

/** No frame was found: the bytes say why, as far as they go. */
function withoutFrame(bytes: Uint8Array): Observed {
  const message = openRtu(bytes)
  if (message === undefined) return { crc_ok: false, ok: false, frames: [], error: 'checksum' }
  const [unit, code] = message
  return { crc_ok: true, ok: false, frames: [], unit, function: code, error: 'function' }
}

const ascii: Adapter = ({ hex, chunks, direction }) => {
  const frames = framesOf(new AsciiFramer(), chunks ?? [hex])
  const [frame] = frames
  if (frame === undefined) return { lrc_ok: false, ok: false, frames: [], error: 'lrc' }
  return {
    lrc_ok: true,
    ok: true,
    lrc: asciiLrc(frame.payload),
    frames: frames.map(({ raw }) => toHex(raw)),
    frame_hex: toHex(frame.raw),
    ...observedMessage(frame.payload, directionOf(direction)),
  }
}

const pdu: Adapter = ({ hex, direction }) => observedPdu(fromHex(hex), directionOf(direction))

const crc: Adapter = ({ hex }) => {
  const bytes = fromHex(hex)
  return {
    crc: checksum('CRC-16/MODBUS', bytes),
    sent_order_hex: toHex(crcBytes(bytes)),
    lrc: asciiLrc(bytes),
  }
}

/** As a dialect would declare them: a register itself does not say what it holds. */
const registers: Adapter = ({ hex, given }) => {
  const { type, word_order: wordOrder = 'big' } = given
  const bytes = fromHex(hex)
  const base = { type, word_order: wordOrder, registers: wordsOf(bytes) }
  const ordered = valueBytes(wordsOf(bytes), wordOrder === 'little' ? 'little' : 'big')
  if (type === 'bits') return { ...base, value: unpackBits(ordered) }
  if (type === 'string')
    return { ...base, value: Buffer.from(ordered).toString().replace(/\0+$/, '') }
  const known = REGISTER_TYPES.find(one => one === type)
  const size = known === undefined ? 0 : registersOf(known) * 2
  if (known === undefined || bytes.length === 0 || bytes.length % size !== 0)
    return { ...base, ok: false, error: 'length' }
  const values = Array.from({ length: bytes.length / size }, (_, index) => {
    const words = wordsOf(bytes.subarray(index * size, (index + 1) * size))
    const value = readValue(
      valueBytes(words, base.word_order === 'little' ? 'little' : 'big'),
      known,
    )
    return value.ok ? numberOf(value.value, known) : null
  })
  return { ...base, value: values.length === 1 ? values[0] : values }
}

/** Sources print the digits that the type is good for: seven of a float32, fifteen of a float64. */
function numberOf(text: string, type: RegisterType): number {
  if (type === 'float32') return Number(Number(text).toPrecision(7))
  const digits = text.replace(/\D|^0+/g, '').length
  return Number(type === 'float64' && digits > 15 ? roundDecimal(text, 6) : text)
}

function wordsOf(bytes: Uint8Array): readonly number[] {
  const reader = new ByteReader(bytes)
  return Array.from({ length: Math.floor(bytes.length / 2) }, () => reader.uintBE(2))
}

/**
 * What no decoder can find in the bytes, since the one who asks knows it: the question itself, and
 * how registers are declared. Sources put these among their expectations.
 */
export const MODBUS_GIVEN: Readonly<Record<string, readonly string[]>> = {
  'modbus-rtu': ['request_hex'],
  'modbus-registers': ['type', 'word_order'],
}

/** Modbus, by the names that vectors give its layers. */
export const MODBUS: Readonly<Record<string, Adapter>> = {
  'modbus-rtu': rtu,
  'modbus-ascii': ascii,
  'modbus-pdu': pdu,
  'modbus-crc': crc,
  'modbus-registers': registers,
}

function directionOf(direction: string): Direction {
  return direction.startsWith('master') ? 'request' : 'reply'
}

function framesOf(framer: Framer, chunks: readonly string[]) {
  const outputs = [...chunks.flatMap(chunk => framer.push(fromHex(chunk))), ...framer.idle()]
  return outputs.filter(output => output.type === 'frame')
}

function observedMessage(message: Uint8Array, direction: Direction): Observed {
  const bytes = message.subarray(1)
  return { unit: message[0], pdu_hex: toHex(bytes), ...observedPdu(bytes, direction) }
}

function observedPdu(bytes: Uint8Array, direction: Direction): Observed {
  const read = readPdu(bytes, direction)
  if (!read.ok)
    return { ok: false, error: read.error, function: bytes[0], ...seemingSpan(bytes, direction) }
  const { value } = read
  return { function: value.function, ...fieldsOf(value, direction) }
}

/** A question for more than an answer can hold is refused, and says all the same for what. */
function seemingSpan(bytes: Uint8Array, direction: Direction): Observed {
  const [code = 0] = bytes
  if (direction === 'reply' || code > 4 || bytes.length !== 5) return {}
  const [address, count] = wordsOf(bytes.subarray(1))
  return { address, count }
}

function fieldsOf(value: Pdu, direction: Direction): Observed {
  switch (value.type) {
    case 'exception':
      return { exception: value.exception }
    case 'span':
      return { address: value.address, count: value.count }
    case 'one': {
      const { address } = value
      if (value.function === 6) return { address, value: value.value, registers: [value.value] }
      const isOn = value.value === 0xff00
      return { address, value: value.value, coil: isOn, state: isOn, bits: [isOn] }
    }
    case 'bits':
      return { bits: value.bits, coils: value.bits, byte_count: value.bits.length / 8 }
    case 'registers':
      return { ...registerFields(value.registers), byte_count: value.registers.length * 2 }
    case 'write-bits':
      return { address: value.address, count: value.count, bits: value.bits, coils: value.bits }
    case 'write-registers':
      return { address: value.address, count: value.count, ...registerFields(value.registers) }
    case 'identify':
      return { mei: 14, read_code: READ_CODES[value.readCode], object_id: value.objectId }
    case 'identity':
      return {
        mei: 14,
        read_code: READ_CODES[value.readCode],
        conformity: value.conformity,
        more_follows: value.moreFollows,
        next_object_id: value.nextObject,
        objects: Object.fromEntries(value.objects.map(({ id, value: text }) => [id, text])),
      }
    case 'other':
      return { data_hex: toHex(value.data), ...rareFields(value, direction) }
  }
}

/** Pairs of registers may be floats: how they read then, the most significant word first. */
function registerFields(values: readonly number[]): Observed {
  const bytes = Uint8Array.from(values.flatMap(word => [word >>> 8, word & 0xff]))
  const floats = Array.from({ length: bytes.length / 4 }, (_, index) =>
    readValue(bytes.slice(index * 4, index * 4 + 4), 'float32'),
  )
  return {
    registers: values,
    float32: floats.map(float => (float.ok ? numberOf(float.value, 'float32') : null)),
    word_order: 'big',
  }
}

/** The question, where this is an answer to it. */
function questionOf(message: Uint8Array, asked: string | undefined): Observed {
  const question = openRtu(fromHex(asked ?? ''))
  const request = question && readPdu(question.subarray(1), 'request')
  const reply = readPdu(message.subarray(1), 'reply')
  const isAnswered =
    request?.ok === true && reply.ok && answers(request.value, reply.value) && asked !== undefined
  return isAnswered && question?.[0] === message[0] ? { request_hex: asked } : {}
}
