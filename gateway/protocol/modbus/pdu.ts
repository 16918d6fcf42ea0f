import { ByteReader, concatBytes } from '../../core/bytes.js'
import { fail, ok, type Result } from '../../core/result.js'
import { type Direction, pduBytes } from './pdu-size.js'

/** An object of a device's identification: 0 is the vendor, 1 the product, 2 the revision. */
export interface IdentityObject {
  readonly id: number
  readonly value: string
}

/** What one Modbus message says, whatever carried it (RTU, ASCII). */
export type Pdu =
  | { readonly type: 'exception'; readonly function: number; readonly exception: number }
  /** A question for coils or registers; also the answer to writing several. */
  | {
      readonly type: 'span'
      readonly function: number
      readonly address: number
      readonly count: number
    }
  /** Writing one coil or register, and its answer, which repeats it. */
  | {
      readonly type: 'one'
      readonly function: number
      readonly address: number
      readonly value: number
    }
  /** `count` of a reply is what its bytes hold: eight to a byte. */
  | { readonly type: 'bits'; readonly function: number; readonly bits: readonly boolean[] }
  | { readonly type: 'registers'; readonly function: number; readonly registers: readonly number[] }
  | {
      readonly type: 'write-bits'
      readonly function: number
      readonly address: number
      readonly count: number
      readonly bits: readonly boolean[]
    }
  | {
      readonly type: 'write-registers'
      readonly function: number
      readonly address: number
      readonly count: number
      readonly registers: readonly number[]
    }
  | {
      readonly type: 'identify'
      readonly function: 0x2b
      readonly readCode: number
      readonly objectId: number
    }
  | {
      readonly type: 'identity'
      readonly function: 0x2b
      readonly readCode: number
      readonly conformity: number
      readonly moreFollows: boolean
      readonly nextObject: number
      readonly objects: readonly IdentityObject[]
    }
  /** A function that is known by its length alone: 7, 8, 11, 12, 17, 20 to 24. */
  | { readonly type: 'other'; readonly function: number; readonly data: Uint8Array }

const EXCEPTION = 0x80
const MEI = 0x2b
const DEVICE_IDENTIFICATION = 0x0e
const IDENTITY_RESERVED = 0
const MORE_FOLLOWS = 0xff
/** What fits the 253 bytes of a PDU (V1.1b3, chapter 6). */
const MOST_BITS = 2000
const MOST_REGISTERS = 125

/** Fails on a PDU that is too short or too long, and on counts that contradict each other. */
export function readPdu(bytes: Uint8Array, direction: Direction): Result<Pdu, string> {
  if (bytes.length === 0) return fail('a function code')
  const size = pduBytes(bytes, direction)
  if (size === 'unknown') return fail('a known function')
  if (size !== bytes.length) return fail('the length that the function says')
  const [code = 0] = bytes
  const body = new ByteReader(bytes.subarray(1))
  if (direction === 'reply' && code > EXCEPTION)
    return ok({ type: 'exception', function: code - EXCEPTION, exception: body.uintBE(1) })
  if (code === MEI) return direction === 'request' ? readIdentify(body) : readIdentity(body)
  if (code === 5 || code === 6)
    return ok({ type: 'one', function: code, address: body.uintBE(2), value: body.uintBE(2) })
  if (code <= 4) return direction === 'request' ? readSpan(code, body) : readData(code, body)
  if (code === 15 || code === 16)
    return direction === 'request' ? readWrite(code, body) : readSpan(code, body)
  return ok({ type: 'other', function: code, data: body.take(body.remaining) })
}

/** @throws RangeError where a number does not fit its field. */
export function writePdu(pdu: Pdu): Uint8Array {
  switch (pdu.type) {
    case 'exception':
      return Uint8Array.of(pdu.function + EXCEPTION, pdu.exception)
    case 'span':
      return head(pdu.function, [pdu.address, pdu.count])
    case 'one':
      return head(pdu.function, [pdu.address, pdu.value])
    case 'bits':
      return counted(Uint8Array.of(pdu.function), packBits(pdu.bits))
    case 'registers':
      return counted(Uint8Array.of(pdu.function), words(pdu.registers))
    case 'write-bits':
      return counted(head(pdu.function, [pdu.address, pdu.count]), packBits(pdu.bits))
    case 'write-registers':
      return counted(head(pdu.function, [pdu.address, pdu.count]), words(pdu.registers))
    case 'identify':
      return Uint8Array.of(MEI, DEVICE_IDENTIFICATION, pdu.readCode, pdu.objectId)
    case 'identity':
      return writeIdentity(pdu)
    case 'other':
      return concatBytes([Uint8Array.of(pdu.function), pdu.data])
  }
}

function readSpan(code: number, body: ByteReader): Result<Pdu, string> {
  const [address, count] = [body.uintBE(2), body.uintBE(2)]
  const most = isOfBits(code) ? MOST_BITS : MOST_REGISTERS
  if (count < 1 || count > most) return fail(`a count of 1 to ${most}`)
  return ok({ type: 'span', function: code, address, count })
}

function readData(code: number, body: ByteReader): Result<Pdu, string> {
  const data = body.take(body.uintBE(1))
  if (isOfBits(code)) return ok({ type: 'bits', function: code, bits: unpackBits(data) })
  if (data.length % 2 !== 0) return fail('whole registers')
  return ok({ type: 'registers', function: code, registers: readWords(data) })
}

function readWrite(code: number, body: ByteReader): Result<Pdu, string> {
  const [address, count] = [body.uintBE(2), body.uintBE(2)]
  const data = body.take(body.uintBE(1))
  const bytes = isOfBits(code) ? Math.ceil(count / 8) : count * 2
  if (count === 0 || data.length !== bytes) return fail('as many values as it counts')
  return isOfBits(code)
    ? ok({
        type: 'write-bits',
        function: code,
        address,
        count,
        bits: unpackBits(data).slice(0, count),
      })
    : ok({ type: 'write-registers', function: code, address, count, registers: readWords(data) })
}

function readIdentify(body: ByteReader): Result<Pdu, string> {
  body.take(1)
  const [readCode, objectId] = [body.uintBE(1), body.uintBE(1)]
  return ok({ type: 'identify', function: MEI, readCode, objectId })
}

function readIdentity(body: ByteReader): Result<Pdu, string> {
  body.take(1)
  const [readCode, conformity, more, nextObject] = [1, 1, 1, 1].map(size => body.uintBE(size))
  const count = body.uintBE(1)
  const objects = Array.from({ length: count }, () => {
    const [id, length] = [body.uintBE(1), body.uintBE(1)]
    return { id, value: Buffer.from(body.take(length)).toString('latin1') }
  })
  return ok({
    type: 'identity',
    function: MEI,
    readCode: readCode ?? 0,
    conformity: conformity ?? 0,
    moreFollows: more === MORE_FOLLOWS,
    nextObject: nextObject ?? 0,
    objects,
  })
}

function writeIdentity(pdu: Extract<Pdu, { type: 'identity' }>): Uint8Array {
  const { readCode, conformity, moreFollows, nextObject, objects } = pdu
  const more = moreFollows ? MORE_FOLLOWS : IDENTITY_RESERVED
  const start = [MEI, DEVICE_IDENTIFICATION, readCode, conformity, more, nextObject, objects.length]
  const each = objects.map(({ id, value }) =>
    counted(Uint8Array.of(id), Buffer.from(value, 'latin1')),
  )
  return concatBytes([Uint8Array.from(start), ...each])
}

/** Coils and inputs, not registers. */
export function isOfBits(code: number): boolean {
  return code === 1 || code === 2 || code === 15
}

function head(code: number, values: readonly number[]): Uint8Array {
  return concatBytes([Uint8Array.of(code), words(values)])
}

function counted(before: Uint8Array, data: Uint8Array): Uint8Array {
  if (data.length > 255) throw new RangeError(`${data.length} bytes in one message`)
  return concatBytes([before, Uint8Array.of(data.length), data])
}

function words(values: readonly number[]): Uint8Array {
  return Uint8Array.from(
    values.flatMap(value => {
      if (value < 0 || value > 0xffff) throw new RangeError(`${value} is no register of 16 bits`)
      return [value >>> 8, value & 0xff]
    }),
  )
}

function readWords(data: Uint8Array): readonly number[] {
  const reader = new ByteReader(data)
  return Array.from({ length: data.length / 2 }, () => reader.uintBE(2))
}

/** The first in the lowest bit. */
function packBits(bits: readonly boolean[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(bits.length / 8))
  for (const [index, bit] of bits.entries())
    if (bit) bytes[index >> 3] = (bytes[index >> 3] ?? 0) | (1 << (index & 7))
  return bytes
}

/** The lowest bit of the first byte first. */
export function unpackBits(data: Uint8Array): readonly boolean[] {
  return [...data].flatMap(byte => Array.from({ length: 8 }, (_, bit) => ((byte >> bit) & 1) === 1))
}
