/** The parameters that the catalogues of CRC algorithms give; XorOut is the catalogue's affair. */
interface Crc16Model {
  /** Written most significant bit first, without the x^16 term, also where reflected. */
  readonly polynomial: number
  readonly initial: number
  /** Bits are taken least significant first, as a UART sends them. */
  readonly reflected: boolean
}

/** The CRC-16 that the model describes, by a table of 256 remainders made once. */
export function crc16(model: Crc16Model): (bytes: Uint8Array) => number {
  const { initial } = model
  if (model.reflected) {
    const table = reflectedTable(model.polynomial)
    return bytes => {
      let crc = initial
      for (const byte of bytes) crc = (crc >>> 8) ^ (table[(crc ^ byte) & 0xff] ?? 0)
      return crc
    }
  }
  const table = plainTable(model.polynomial)
  return bytes => {
    let crc = initial
    for (const byte of bytes) crc = ((crc << 8) & 0xffff) ^ (table[(crc >>> 8) ^ byte] ?? 0)
    return crc
  }
}

function plainTable(polynomial: number): Uint16Array {
  return Uint16Array.from({ length: 256 }, (_, byte) => {
    let remainder = byte << 8
    for (let bit = 0; bit < 8; bit++)
      remainder = remainder & 0x8000 ? (remainder << 1) ^ polynomial : remainder << 1
    return remainder
  })
}

function reflectedTable(polynomial: number): Uint16Array {
  const mirrored = reverseBits16(polynomial)
  return Uint16Array.from({ length: 256 }, (_, byte) => {
    let remainder = byte
    for (let bit = 0; bit < 8; bit++)
      remainder = remainder & 1 ? (remainder >>> 1) ^ mirrored : remainder >>> 1
    return remainder
  })
}

function reverseBits16(value: number): number {
  let reversed = 0
  for (let bit = 0; bit < 16; bit++) reversed |= ((value >>> bit) & 1) << (15 - bit)
  return reversed
}
