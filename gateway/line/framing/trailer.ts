import { CHECKSUM_BYTES, type ChecksumName, checksum } from '../checksum/catalog.js'

/** The checksum at a frame's end. */
export interface Trailer {
  readonly checksum: ChecksumName | 'none'
  readonly checksumEndian: 'big' | 'little'
}

export function trailerBytes(trailer: Trailer): 0 | 1 | 2 {
  return trailer.checksum === 'none' ? 0 : CHECKSUM_BYTES[trailer.checksum]
}

/** What stands on the line behind `covered`. */
export function makeTrailer(trailer: Trailer, covered: Uint8Array): Uint8Array {
  if (trailer.checksum === 'none') return new Uint8Array(0)
  const value = checksum(trailer.checksum, covered)
  if (CHECKSUM_BYTES[trailer.checksum] === 1) return Uint8Array.of(value)
  const high = value >>> 8
  const low = value & 0xff
  return trailer.checksumEndian === 'big' ? Uint8Array.of(high, low) : Uint8Array.of(low, high)
}
