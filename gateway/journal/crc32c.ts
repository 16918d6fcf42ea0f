/**
 * CRC-32C (RFC 3720, appendix B.4) as LevelDB puts it before its log's fragments and behind its
 * tables' blocks: masked (leveldb, util/crc32c.h).
 */
export function maskedCrc32c(bytes: Uint8Array): number {
  return masked(extendCrc32c(CRC_START, bytes))
}

/** Of all bytes so far, to be extended; `CRC_START` of none. */
export function extendCrc32c(crc: number, bytes: Uint8Array): number {
  let extended = crc
  for (let at = 0; at < bytes.length; at += 1)
    extended = (TABLE[(extended ^ (bytes[at] ?? 0)) & 0xff] ?? 0) ^ (extended >>> 8)
  return extended
}

export const CRC_START = -1

export function masked(extended: number): number {
  const crc = ~extended >>> 0
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  return crc
})
