import { ByteReader } from '../../core/bytes.js'

/** What stands behind a parameter's number says how its value is written. */
const STRING = 0xf3
const WORD = 0xf4
const ARRAY = 0xf6
/** Numbers beyond one byte: from here on, in one more byte, or in two. */
const EXTENDED: Readonly<Record<number, number>> = { 240: 256, 241: 512, 242: 768 }
const LONG_NUMBER = 0xf8

type Value = number | string

/** Number and value of each parameter of PARAM_SEND, behind the beep code. */
export function readParameters(data: Uint8Array): readonly (readonly [number, Value])[] {
  const reader = new ByteReader(data)
  const parameters: (readonly [number, Value])[] = []
  while (reader.remaining > 0) {
    const first = reader.uintBE(1)
    const isTyped = first === STRING || first === WORD || first === ARRAY
    const number = numberFrom(isTyped ? reader.uintBE(1) : first, reader)
    if (first === WORD) parameters.push([number, reader.uintBE(2)])
    else if (first === STRING)
      parameters.push([number, Buffer.from(reader.take(reader.uintBE(1))).toString('latin1')])
    else if (first === ARRAY)
      parameters.push([number, Buffer.from(reader.take(reader.uintBE(1))).toString('hex')])
    else parameters.push([number, reader.uintBE(1)])
  }
  return parameters
}

function numberFrom(first: number, reader: ByteReader): number {
  if (first === LONG_NUMBER) return reader.uintBE(2)
  const base = EXTENDED[first]
  return base === undefined ? first : base + reader.uintBE(1)
}

const END_OF_ATTRIBUTES = 0xffff
/** The operation that answers with attributes. */
const GET_ATTRIBUTES = 2

/** Number and value of each attribute of a management answer (RSM). */
export function readAttributes(data: Uint8Array): readonly (readonly [number, Value])[] {
  const reader = new ByteReader(data)
  reader.take(2)
  if (reader.uintBE(1) !== GET_ATTRIBUTES || reader.uintBE(1) !== 0) return []
  const attributes: (readonly [number, Value])[] = []
  while (reader.remaining >= 4) {
    const number = reader.uintBE(2)
    if (number === END_OF_ATTRIBUTES) break
    const type = String.fromCharCode(reader.uintBE(1))
    reader.take(1)
    attributes.push([number, attributeValue(type, reader)])
  }
  return attributes
}

function attributeValue(type: string, reader: ByteReader): Value {
  if (type === 'B') return reader.uintBE(1)
  if (type === 'W') return reader.uintBE(2)
  if (type === 'A') reader.take(1)
  const length = reader.uintBE(2)
  reader.take(2)
  const bytes = Buffer.from(reader.take(length))
  return type === 'S' ? bytes.toString('latin1').replace(/[\0 ]+$/, '') : bytes.toString('hex')
}
