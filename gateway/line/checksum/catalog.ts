import { crc16 } from './crc16.js'
import { lrc } from './lrc.js'
import { negatedSum16 } from './negated-sum16.js'
import { sum8 } from './sum8.js'
import { sum16 } from './sum16.js'

/**
 * CRCs go by their names in the catalogue of parametrised CRC algorithms (reveng); manuals often
 * use others. KERMIT is what ZVT's specification calls XMODEM, IBM-3740 is known as CCITT-FALSE,
 * UMTS as BUYPASS, IBM-SDLC as X-25. `negated-sum8` is what makes the sum of all bytes zero.
 */
export const CHECKSUM_NAMES = [
  'lrc',
  'sum8',
  'negated-sum8',
  'sum16',
  'negated-sum16',
  'CRC-16/ARC',
  'CRC-16/IBM-3740',
  'CRC-16/IBM-SDLC',
  'CRC-16/KERMIT',
  'CRC-16/MODBUS',
  'CRC-16/UMTS',
  'CRC-16/XMODEM',
] as const

export type ChecksumName = (typeof CHECKSUM_NAMES)[number]

/** How many bytes each takes on the line. */
export const CHECKSUM_BYTES: Readonly<Record<ChecksumName, 1 | 2>> = {
  lrc: 1,
  sum8: 1,
  'negated-sum8': 1,
  sum16: 2,
  'negated-sum16': 2,
  'CRC-16/ARC': 2,
  'CRC-16/IBM-3740': 2,
  'CRC-16/IBM-SDLC': 2,
  'CRC-16/KERMIT': 2,
  'CRC-16/MODBUS': 2,
  'CRC-16/UMTS': 2,
  'CRC-16/XMODEM': 2,
}

const sdlc = crc16({ polynomial: 0x1021, initial: 0xffff, reflected: true })

const ALGORITHMS: Readonly<Record<ChecksumName, (bytes: Uint8Array) => number>> = {
  lrc,
  sum8,
  'negated-sum8': bytes => -sum8(bytes) & 0xff,
  sum16,
  'negated-sum16': negatedSum16,
  'CRC-16/ARC': crc16({ polynomial: 0x8005, initial: 0, reflected: true }),
  'CRC-16/IBM-3740': crc16({ polynomial: 0x1021, initial: 0xffff, reflected: false }),
  'CRC-16/IBM-SDLC': bytes => sdlc(bytes) ^ 0xffff,
  'CRC-16/KERMIT': crc16({ polynomial: 0x1021, initial: 0, reflected: true }),
  'CRC-16/MODBUS': crc16({ polynomial: 0x8005, initial: 0xffff, reflected: true }),
  'CRC-16/UMTS': crc16({ polynomial: 0x8005, initial: 0, reflected: false }),
  'CRC-16/XMODEM': crc16({ polynomial: 0x1021, initial: 0, reflected: false }),
}

/** A number of `CHECKSUM_BYTES[name]` bytes; in which order they are sent is the framing's. */
export function checksum(name: ChecksumName, bytes: Uint8Array): number {
  return ALGORITHMS[name](bytes)
}
