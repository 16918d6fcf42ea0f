import { concatBytes, equalBytes } from '../../core/bytes.js'
import { checksum } from '../../line/checksum/catalog.js'
import { BufferedFramer, type Verdict } from '../../line/framing/buffered-framer.js'
import { bytesBefore } from '../../line/framing/sequence.js'

const START = Uint8Array.of(0x55, 0xaa)
const END = Uint8Array.of(0xcc, 0x33)
/** Type, acknowledged id, own id. */
const HEAD_BYTES = 3
const LENGTH_BYTES = 2
/** The longest that the protocol allows. */
const MAX_FRAME_BYTES = 1024

/**
 * `55 AA type ack id length data XOR CC 33`. The payload is type, ack, id and data: the length has
 * done its work.
 */
export class CodePayFramer extends BufferedFramer {
  constructor(maxFrameBytes = MAX_FRAME_BYTES) {
    super(maxFrameBytes)
  }

  protected override judge(buffer: Uint8Array): Verdict {
    const noise = bytesBefore(buffer.subarray(0, this.maxFrameBytes), START)
    if (noise > 0) return { type: 'discard', size: noise, reason: 'noise' }
    const head = START.length + HEAD_BYTES + LENGTH_BYTES
    if (buffer.length < head) return { type: 'wait', doubtful: 1 }
    const end = head + 256 * (buffer[head - 2] ?? 0) + (buffer[head - 1] ?? 0)
    const size = end + 1 + END.length
    if (size > this.maxFrameBytes) return { type: 'discard', size: 1, reason: 'too-long' }
    if (size > buffer.length) return { type: 'wait', doubtful: 1 }
    const isSound =
      buffer[end] === checksum('lrc', buffer.subarray(START.length, end)) &&
      equalBytes(buffer.subarray(end + 1, size), END)
    if (!isSound) return { type: 'discard', size: 1, reason: 'checksum' }
    const fixed = buffer.subarray(START.length, START.length + HEAD_BYTES)
    return { type: 'frame', size, payload: concatBytes([fixed, buffer.subarray(head, end)]) }
  }
}

/** @param payload type, ack, id and data. @throws RangeError where it is too long. */
export function encodeCodePay(payload: Uint8Array): Uint8Array {
  const data = payload.subarray(HEAD_BYTES)
  if (payload.length + LENGTH_BYTES + 5 > MAX_FRAME_BYTES)
    throw new RangeError(`${data.length} bytes do not fit a frame`)
  const covered = concatBytes([
    payload.subarray(0, HEAD_BYTES),
    Uint8Array.of(data.length >>> 8, data.length & 0xff),
    data,
  ])
  return concatBytes([START, covered, Uint8Array.of(checksum('lrc', covered)), END])
}
