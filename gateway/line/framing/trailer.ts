import { concatBytes, fromHex, toHex } from '../../core/bytes.js'
import { CHECKSUM_BYTES, type ChecksumName, checksum } from '../checksum/catalog.js'

/** The checksum at a frame's end, and what stands behind it. */
export interface Trailer {
  readonly checksum: ChecksumName | 'none'
  readonly checksumEndian: 'big' | 'little'
  readonly checksumEncoding?: 'binary' | 'hex' | 'hex-lower'
  readonly tail?: string
}

export function trailerBytes(trailer: Trailer): number {
  const sum = trailer.checksum === 'none' ? 0 : CHECKSUM_BYTES[trailer.checksum]
  const isText = trailer.checksumEncoding?.startsWith('hex') === true
  return sum * (isText ? 2 : 1) + (trailer.tail ?? '').length / 2
}

/** What stands on the line behind `covered`. */
export function makeTrailer(trailer: Trailer, covered: Uint8Array): Uint8Array {
  const sum = sumBytes(trailer, covered)
  return concatBytes([written(trailer, sum), fromHex(trailer.tail ?? '')])
}

function written({ checksumEncoding = 'binary' }: Trailer, sum: Uint8Array): Uint8Array {
  switch (checksumEncoding) {
    case 'binary':
      return sum
    case 'hex':
      return Buffer.from(toHex(sum).toUpperCase())
    case 'hex-lower':
      return Buffer.from(toHex(sum))
  }
}

function sumBytes(trailer: Trailer, covered: Uint8Array): Uint8Array {
  if (trailer.checksum === 'none') return new Uint8Array(0)
  const value = checksum(trailer.checksum, covered)
  if (CHECKSUM_BYTES[trailer.checksum] === 1) return Uint8Array.of(value)
  const high = value >>> 8
  const low = value & 0xff
  return trailer.checksumEndian === 'big' ? Uint8Array.of(high, low) : Uint8Array.of(low, high)
}
