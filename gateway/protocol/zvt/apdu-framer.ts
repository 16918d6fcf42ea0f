import { BufferedFramer, type Verdict } from '../../line/framing/buffered-framer.js'
import { readApduHeader } from './apdu.js'

/** Longer than any message of a payment; files of a terminal's maintenance are not taken. */
const APDU_FRAME_BYTES = 16 * 1024

/** The classes there are; a byte that is none of them begins no APDU. */
const CLASSES: ReadonlySet<number> = new Set([0x04, 0x05, 0x06, 0x08, 0x0f, 0x80, 0x84])

/**
 * ZVT over TCP: APDUs back to back, with nothing between them, and no checksum but TCP's. A read
 * may hold half of one, or several. One that stays half is thrown away whole at a silence: looked
 * for among its data, a beginning would be invented.
 */
export class ApduFramer extends BufferedFramer {
  constructor(maxFrameBytes: number = APDU_FRAME_BYTES) {
    super(maxFrameBytes)
  }

  protected override judge(buffer: Uint8Array): Verdict {
    if (!CLASSES.has(buffer[0] ?? 0)) return { type: 'discard', size: 1, reason: 'noise' }
    const header = readApduHeader(buffer)
    if (header === undefined) return { type: 'wait', doubtful: buffer.length }
    const size = header.dataOffset + header.dataLength
    if (size > this.maxFrameBytes) return { type: 'discard', size: 1, reason: 'too-long' }
    if (size > buffer.length) return { type: 'wait', doubtful: buffer.length }
    return { type: 'frame', size, payload: buffer.subarray(0, size) }
  }
}
