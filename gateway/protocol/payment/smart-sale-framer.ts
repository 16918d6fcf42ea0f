import { ByteReader, concatBytes, equalBytes } from '../../core/bytes.js'
import { fail, ok, type Result } from '../../core/result.js'
import { checksum } from '../../line/checksum/catalog.js'
import { BufferedFramer, type Verdict } from '../../line/framing/buffered-framer.js'

const SOH = 0x01
const STX = 0x02
/** Marker and length. */
const HEADER_BYTES = 3
const CRC_BYTES = 2
/** With a block of 507 bytes. */
const MAX_FRAME_BYTES = 512

/**
 * `STX length data CRC`, or `SOH length data CRC` for a block of a longer message: the length low
 * byte first, the CRC (over all before it) high byte first. The payload is all but
 * the CRC.
 */
export class SmartSaleFramer extends BufferedFramer {
  constructor(maxFrameBytes = MAX_FRAME_BYTES) {
    super(maxFrameBytes)
  }

  protected override judge(buffer: Uint8Array): Verdict {
    const start = buffer.subarray(0, this.maxFrameBytes).findIndex(byte => isMarker(byte))
    if (start !== 0) {
      const size = start < 0 ? Math.min(buffer.length, this.maxFrameBytes) : start
      return { type: 'discard', size, reason: 'noise' }
    }
    if (buffer.length < HEADER_BYTES) return { type: 'wait', doubtful: 1 }
    const length = (buffer[1] ?? 0) + 256 * (buffer[2] ?? 0)
    const end = HEADER_BYTES + length
    const size = end + CRC_BYTES
    if (size > this.maxFrameBytes) return { type: 'discard', size: 1, reason: 'too-long' }
    if (size > buffer.length) return { type: 'wait', doubtful: 1 }
    const covered = buffer.subarray(0, end)
    if (!equalBytes(crcOf(covered), buffer.subarray(end, size)))
      return { type: 'discard', size: 1, reason: 'checksum' }
    return { type: 'frame', size, payload: covered }
  }
}

/** @throws RangeError where it is too long for one frame. */
export function encodeSmartSale(data: Uint8Array): Uint8Array {
  if (data.length + HEADER_BYTES + CRC_BYTES > MAX_FRAME_BYTES)
    throw new RangeError(`${data.length} bytes do not fit a frame`)
  const header = Uint8Array.of(STX, data.length & 0xff, data.length >>> 8)
  const covered = concatBytes([header, data])
  return concatBytes([covered, crcOf(covered)])
}

function isMarker(byte: number): boolean {
  return byte === SOH || byte === STX
}

function crcOf(bytes: Uint8Array): Uint8Array {
  const crc = checksum('CRC-16/UMTS', bytes)
  return Uint8Array.of(crc >>> 8, crc & 0xff)
}

export interface SmartSaleFrame {
  readonly isBlock: boolean
  readonly data: Uint8Array
}

/** The frames in a payload, which is that of one frame or of several behind each other. */
export function smartSaleFrames(payload: Uint8Array): Result<readonly SmartSaleFrame[], string> {
  const frames: SmartSaleFrame[] = []
  const reader = new ByteReader(payload)
  try {
    while (reader.remaining > 0) {
      const marker = reader.uintBE(1)
      if (!isMarker(marker)) return fail('expected STX or SOH')
      frames.push({ isBlock: marker === SOH, data: reader.take(reader.uintLE(2)) })
    }
  } catch (thrown) {
    if (thrown instanceof RangeError) return fail('a frame ends beyond the message')
    throw thrown
  }
  return ok(frames)
}
