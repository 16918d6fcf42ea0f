import { concatBytes, equalBytes } from '../../core/bytes.js'
import { checksum } from '../../line/checksum/catalog.js'
import { BufferedFramer, type Verdict } from '../../line/framing/buffered-framer.js'
import { bytesBefore } from '../../line/framing/sequence.js'

const START = Uint8Array.of(0x02, 0x23)
const ETX = 0x03
/** 180 bytes of data with number, length and CRC, as base64, between markers; and some to spare. */
const MAX_FRAME_BYTES = 512
const CRC_BYTES = 2
/** Number and length. */
const UPOS_HEADER_BYTES = 2
export const UPOS_DATA_BYTES = 180

/** `STX # base64 ETX`; what the base64 holds ends in its own CRC, the low byte first. */
export class UposFramer extends BufferedFramer {
  constructor(maxFrameBytes = MAX_FRAME_BYTES) {
    super(maxFrameBytes)
  }

  protected override judge(buffer: Uint8Array): Verdict {
    const noise = bytesBefore(buffer.subarray(0, this.maxFrameBytes), START)
    if (noise > 0) return { type: 'discard', size: noise, reason: 'noise' }
    const window = buffer.subarray(0, this.maxFrameBytes)
    const restart = window.indexOf(START[0] ?? 0, 1)
    const end = (restart < 0 ? window : window.subarray(0, restart)).indexOf(ETX)
    if (end < 0 && restart > 0) return { type: 'discard', size: restart, reason: 'noise' }
    if (end < 0 && window.length === this.maxFrameBytes)
      return { type: 'discard', size: 1, reason: 'too-long' }
    if (end < 0) return { type: 'wait', doubtful: buffer.length }
    const payload = uposPayload(buffer.subarray(START.length, end))
    if (payload === undefined) return { type: 'discard', size: 1, reason: 'checksum' }
    return { type: 'frame', size: end + 1, payload }
  }
}

/** Number, length and data, where length and CRC are right. */
function uposPayload(base64: Uint8Array): Uint8Array | undefined {
  const text = Buffer.from(base64).toString('latin1')
  const bytes = new Uint8Array(Buffer.from(text, 'base64'))
  // The bits that padding leaves over are zero: another digit there would pass unnoticed.
  if (Buffer.from(bytes).toString('base64') !== text) return undefined
  const body = bytes.subarray(0, -CRC_BYTES)
  const isWhole = body.length >= UPOS_HEADER_BYTES && body[1] === body.length - UPOS_HEADER_BYTES
  return isWhole && equalBytes(crcOf(body), bytes.subarray(-CRC_BYTES)) ? body : undefined
}

/** @param payload number, length and data */
export function encodeUposFrame(payload: Uint8Array): Uint8Array {
  const text = Buffer.from(concatBytes([payload, crcOf(payload)])).toString('base64')
  return concatBytes([START, Buffer.from(text, 'latin1'), Uint8Array.of(ETX)])
}

function crcOf(bytes: Uint8Array): Uint8Array {
  const crc = checksum('CRC-16/IBM-3740', bytes)
  return Uint8Array.of(crc & 0xff, crc >>> 8)
}
