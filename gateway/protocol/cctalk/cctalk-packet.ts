import { concatBytes } from '../../core/bytes.js'
import { checksum } from '../../line/checksum/catalog.js'
import { sum8 } from '../../line/checksum/sum8.js'
import { BufferedFramer, type Verdict } from '../../line/framing/buffered-framer.js'

/** `sum`: all bytes add up to zero. `crc`: bill validators; its low byte stands for the source. */
export type CctalkChecksum = 'sum' | 'crc'

export const HOST = 1

export interface CctalkPacket {
  readonly destination: number
  /** Where a CRC stands in its place a packet does not say who sent it. */
  readonly source: number | undefined
  /** 0 in an answer. */
  readonly header: number
  readonly data: Uint8Array
}

const OVERHEAD_BYTES = 5
export const MAX_PACKET_BYTES = 255 + OVERHEAD_BYTES

/** `destination length source header data checksum`; a payload is a packet, whole. */
export class CctalkFramer extends BufferedFramer {
  readonly #checksum: CctalkChecksum

  constructor(kind: CctalkChecksum) {
    super(MAX_PACKET_BYTES)
    this.#checksum = kind
  }

  protected override judge(buffer: Uint8Array): Verdict {
    const size = packetBytes(buffer)
    if (size === undefined || size > buffer.length) return { type: 'wait', doubtful: 1 }
    const payload = buffer.subarray(0, size)
    return isIntact(payload, this.#checksum)
      ? { type: 'frame', size, payload }
      : { type: 'discard', size: 1, reason: 'checksum' }
  }
}

/** How long the packet at the front says that it is; nothing before its second byte came. */
export function packetBytes(bytes: Uint8Array): number | undefined {
  const length = bytes[1]
  return length === undefined ? undefined : length + OVERHEAD_BYTES
}

export function readPacket(packet: Uint8Array, kind: CctalkChecksum): CctalkPacket {
  return {
    destination: packet[0] ?? 0,
    source: kind === 'sum' ? packet[2] : undefined,
    header: packet[3] ?? 0,
    data: packet.subarray(4, -1),
  }
}

/** @throws RangeError where there are more data than a packet can hold. */
export function encodePacket(
  packet: { readonly [Key in keyof CctalkPacket]: CctalkPacket[Key] },
  kind: CctalkChecksum,
): Uint8Array {
  const { destination, source = HOST, header, data } = packet
  if (data.length > 255) throw new RangeError('data: expected at most 255 bytes')
  if (kind === 'sum') {
    const bytes = [destination, data.length, source, header, ...data]
    return Uint8Array.of(...bytes, (256 - sum8(Uint8Array.from(bytes))) & 0xff)
  }
  const crc = cctalkCrc(Uint8Array.of(destination, data.length, header, ...data))
  return Uint8Array.of(destination, data.length, crc & 0xff, header, ...data, crc >> 8)
}

/** Over destination, length, header and data. */
export function cctalkCrc(bytes: Uint8Array): number {
  return checksum('CRC-16/XMODEM', bytes)
}

function isIntact(packet: Uint8Array, kind: CctalkChecksum): boolean {
  // Five zeros in the data of a broken packet: an answer to everybody is none.
  if (packet[0] === 0 && packet[3] === 0) return false
  if (kind === 'sum') return sum8(packet) === 0
  const covered = concatBytes([packet.subarray(0, 2), packet.subarray(3, -1)])
  return cctalkCrc(covered) === (packet[2] ?? 0) + 256 * (packet.at(-1) ?? 0)
}
