import { concatBytes, equalBytes } from '../../core/bytes.js'
import { checksum } from '../../line/checksum/catalog.js'

/** Address, PDU and CRC of a frame of Modbus RTU: no frame is longer. */
export const MOST_RTU_BYTES = 256
const CRC_BYTES = 2

/** As the CRC is sent: its low byte first. */
export function crcBytes(bytes: Uint8Array): Uint8Array {
  const crc = checksum('CRC-16/MODBUS', bytes)
  return Uint8Array.of(crc & 0xff, crc >>> 8)
}

/** The two's complement of the sum, of Modbus ASCII. */
export function asciiLrc(bytes: Uint8Array): number {
  return -checksum('sum8', bytes) & 0xff
}

/** A message (address and PDU) as RTU sends it. */
export function sealRtu(message: Uint8Array): Uint8Array {
  return concatBytes([message, crcBytes(message)])
}

/** The message in a frame of RTU; nothing where the CRC is wrong. */
export function openRtu(frame: Uint8Array): Uint8Array | undefined {
  const message = frame.subarray(0, Math.max(0, frame.length - CRC_BYTES))
  const isSound = frame.length > CRC_BYTES && equalBytes(crcBytes(message), frame.slice(-CRC_BYTES))
  return isSound ? message : undefined
}

/** A message as Modbus ASCII sends it: `:`, two digits a byte, LRC, CR LF. */
export function sealAscii(message: Uint8Array): Uint8Array {
  const digits = Buffer.from(concatBytes([message, Uint8Array.of(asciiLrc(message))]))
  return Buffer.from(`:${digits.toString('hex').toUpperCase()}\r\n`, 'latin1')
}
