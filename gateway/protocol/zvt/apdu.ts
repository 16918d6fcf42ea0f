import { concatBytes, toHex } from '../../core/bytes.js'

/** One message of the application layer: `CLASS INSTR LEN data`. */
export interface Apdu {
  /** Class and instruction as four hexadecimal digits: `040F`. */
  readonly control: string
  readonly data: Uint8Array
}

/** What the first bytes of an APDU say of it. */
export interface ApduHeader {
  readonly control: string
  readonly dataLength: number
  readonly dataOffset: 3 | 5
}

const EXTENDED = 0xff
/** `FF lo hi`: sixteen bits, the low byte first; a TLV length has the high one first. */
const LONGEST = 0xffff

/** Nothing where more bytes are needed to tell. */
export function readApduHeader(bytes: Uint8Array): ApduHeader | undefined {
  const length = bytes[2]
  if (length === undefined) return undefined
  const control = toHex(bytes.subarray(0, 2)).toUpperCase()
  const [extendedLow, extendedHigh] = bytes.subarray(3, 5)
  if (length !== EXTENDED) return { control, dataLength: length, dataOffset: 3 }
  if (extendedLow === undefined || extendedHigh === undefined) return undefined
  return { control, dataLength: extendedHigh * 256 + extendedLow, dataOffset: 5 }
}

/** The APDU that these bytes are from the first to the last; nothing where they are not. */
export function readApdu(bytes: Uint8Array): Apdu | undefined {
  const header = readApduHeader(bytes)
  if (header === undefined) return undefined
  const { control, dataLength, dataOffset } = header
  return bytes.length === dataOffset + dataLength
    ? { control, data: bytes.subarray(dataOffset) }
    : undefined
}

/** @throws RangeError where the data are longer than a length can say. */
export function encodeApdu({ control, data }: Apdu): Uint8Array {
  const { length } = data
  if (length > LONGEST) throw new RangeError(`${length} bytes are too many for one APDU`)
  const lengthBytes = length < EXTENDED ? [length] : [EXTENDED, length & 0xff, length >> 8]
  return concatBytes([Buffer.from(control, 'hex'), Uint8Array.from(lengthBytes), data])
}

/** The answer that commits: what the terminal said is safe. */
export const POSITIVE: Apdu = { control: '8000', data: new Uint8Array(0) }

/** An answer of either side: taken, or not and why. */
export function isAnswer({ control }: Pick<Apdu, 'control'>): boolean {
  return control === '8000' || control.startsWith('84')
}
