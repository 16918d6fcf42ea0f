import { concatBytes } from '../../core/bytes.js'
import { fail, ok, type Result } from '../../core/result.js'

export const REGISTER_TYPES = [
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'float32',
  'float64',
] as const

export type RegisterType = (typeof REGISTER_TYPES)[number]

/** Registers of 16 bits that a value takes. */
export function registersOf(type: RegisterType): number {
  return Number(type.replace(/\D+/g, '')) / 16
}

/** In which order the registers of a value come: `little` is what manuals call CDAB. */
export type WordOrder = 'big' | 'little'

/** The bytes of a value, the most significant first. */
export function valueBytes(registers: readonly number[], wordOrder: WordOrder): Uint8Array {
  const ordered = wordOrder === 'big' ? registers : registers.toReversed()
  return concatBytes(ordered.map(word => Uint8Array.of(word >>> 8, word & 0xff)))
}

/** The value as exact decimal text, a float as the shortest that means it; fails on NaN. */
export function readValue(bytes: Uint8Array, type: RegisterType): Result<string, string> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  switch (type) {
    case 'int16':
      return ok(String(view.getInt16(0)))
    case 'uint16':
      return ok(String(view.getUint16(0)))
    case 'int32':
      return ok(String(view.getInt32(0)))
    case 'uint32':
      return ok(String(view.getUint32(0)))
    case 'int64':
      return ok(String(view.getBigInt64(0)))
    case 'uint64':
      return ok(String(view.getBigUint64(0)))
    case 'float32':
      return floatText(view.getFloat32(0), Math.fround)
    case 'float64':
      return floatText(view.getFloat64(0), value => value)
  }
}

/** The registers that hold this value. @throws RangeError where the type cannot hold it. */
export function writeValue(
  value: bigint | number,
  { type, wordOrder }: { readonly type: RegisterType; readonly wordOrder: WordOrder },
): readonly number[] {
  const size = registersOf(type) * 2
  const bytes = Buffer.alloc(size)
  if (type === 'float32') bytes.writeFloatBE(Number(value))
  else if (type === 'float64') bytes.writeDoubleBE(Number(value))
  else {
    const isSigned = type.startsWith('int')
    const kept = (isSigned ? BigInt.asIntN : BigInt.asUintN)(size * 8, BigInt(value))
    if (kept !== BigInt(value)) throw new RangeError(`${type} cannot hold ${value}`)
    bytes.set(
      Buffer.from(BigInt.asUintN(64, kept).toString(16).padStart(16, '0'), 'hex').subarray(-size),
    )
  }
  const registers = Array.from({ length: size / 2 }, (_, index) => bytes.readUInt16BE(index * 2))
  return wordOrder === 'big' ? registers : registers.toReversed()
}

const MOST_DIGITS = 17

function floatText(value: number, hold: (value: number) => number): Result<string, string> {
  if (!Number.isFinite(value)) return fail('a number')
  let digits = 1
  while (digits < MOST_DIGITS && hold(Number(value.toPrecision(digits))) !== value) digits += 1
  return ok(plain(Number(value.toPrecision(digits))))
}

/** Without an exponent, as a decimal has it. */
function plain(value: number): string {
  const [, sign = '', digits = '', exponent = '0'] =
    /^(-?)([\d.]+)(?:e([+-]\d+))?$/.exec(String(value)) ?? []
  const [whole = '', fraction = ''] = digits.split('.')
  const point = whole.length + Number(exponent)
  const all = whole + fraction
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${all}`
  if (point >= all.length) return sign + all.padEnd(point, '0')
  return `${sign}${all.slice(0, point)}.${all.slice(point)}`
}
